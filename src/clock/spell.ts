import type { VirtualMs } from "./virtual-time.js";

/** A span of time, from one moment to another of the same clock. */
export interface Spell {
  readonly from: VirtualMs;
  readonly to: VirtualMs;
}

/** Adds a span behind others, in place; one that touches the last is one with it. */
export function addSpell(spells: Spell[], spell: Spell): void {
  const last = spells.at(-1);
  if (last?.to === spell.from) spells[spells.length - 1] = { from: last.from, to: spell.to };
  else spells.push(spell);
}

/** What of `whole` lies in none of the spells, which are in their order and do not overlap. */
export function between(spells: readonly Spell[], whole: Spell): Spell[] {
  const gaps: Spell[] = [];
  let from = whole.from;
  for (const spell of spells) {
    if (spell.from > from) gaps.push({ from, to: spell.from });
    if (spell.to > from) from = spell.to;
  }
  if (from < whole.to) gaps.push({ from, to: whole.to });
  return gaps;
}
