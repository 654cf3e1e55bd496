import type { Side } from "./moving.js";

const SOCKET = "/home/tmux";

/** A terminal in a guest, by tmux: a person types there and sees what it shows. */
export interface TmuxTerminal {
  /** Process id of tmux's server: the programs in it descend from it. */
  readonly pid: number;
  /** Types keys, as tmux names them, and lets 0.5 s pass. */
  type(side: Side, ...keys: readonly string[]): Promise<void>;
  /** What the terminal shows. */
  screen(side: Side): Promise<string>;
  /** Runs a command of tmux, and returns what it prints. */
  command(side: Side, command: string): Promise<string>;
}

/**
 * Starts tmux with a program in its only terminal.
 *
 * @param program a shell command
 */
export async function openTmux(side: Side, program: string): Promise<TmuxTerminal> {
  const command = (at: Side, line: string): Promise<string> => at.sh(`tmux -S ${SOCKET} ${line}`);
  await side.sh(`cd /home; tmux -S ${SOCKET} -f /dev/null new-session -d -s work '${program}'`);
  await side.pass(3000);
  return {
    pid: Number(await command(side, "display -p '#{pid}'")),
    command,
    async type(at, ...keys) {
      const quoted = keys.map((key) => `'${key.replaceAll("'", `'\\''`)}'`).join(" ");
      await command(at, `send-keys -t work ${quoted}`);
      await at.pass(500);
    },
    screen: (at) => command(at, "capture-pane -p -t work"),
  };
}
