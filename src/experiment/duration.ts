/** A span of milliseconds as a person reads it, to two or three digits: `9.12 s`, `46 ms`, `0.4 ms`. */
export function formatDuration(ms: number): string {
  if (ms < 9.95) return `${Number(ms.toFixed(1))} ms`;
  if (ms < 999.5) return `${ms.toFixed(0)} ms`;
  const seconds = ms / 1000;
  return `${seconds.toFixed(seconds < 9.995 ? 2 : 1)} s`;
}
