/** Programs at work on a terminal, moved from one kernel to another. */
import { afterEach, expect, test } from "vitest";
import { move, unmountHome } from "../../support/moving.js";
import { openTmux } from "../../support/tmux.js";
import { workbenchPair } from "../../support/workbench-pair.js";

const pair = workbenchPair();

afterEach(async () => {
  await pair.target.sh("tmux -S /home/tmux kill-server");
  await unmountHome(pair.target);
});

test("a python prompt keeps its variables", async () => {
  const { source, target } = pair;
  const tmux = await openTmux(source, "python3 -q");
  await tmux.type(source, "answer = 6 * 7", "Enter");
  await move(pair, tmux.pid);
  await tmux.type(target, "print(answer + 1)", "Enter");
  expect(await tmux.screen(target)).toMatch(/^43$/m);
});

test("a login shell keeps its variables, a stopped job and one in the background, and brings the first to the front", async () => {
  const { source, target } = pair;
  const tmux = await openTmux(source, "exec bash -l");
  await tmux.type(source, "work=unsaved", "Enter");
  await tmux.type(source, "cat >/home/typed", "Enter");
  await tmux.type(source, "before", "Enter");
  // It throws away what was typed before and nobody has read yet.
  await tmux.type(source, "C-z");
  await tmux.type(source, "sleep 1000 &", "Enter");
  await move(pair, tmux.pid);

  await tmux.type(target, "clear; echo $work; jobs", "Enter");
  const screen = await tmux.screen(target);
  expect(screen).toMatch(/^unsaved$/m);
  expect(screen).toMatch(/^\[1\]\+ +Stopped +cat >/m);
  expect(screen).toMatch(/^\[2\]- +Running +sleep 1000 &/m);
  await tmux.type(target, "fg", "Enter");
  await tmux.type(target, "after", "Enter", "C-d");
  expect(await target.sh("cat /home/typed")).toBe("before\nafter\n");
  await tmux.type(target, "kill %2; wait %2; echo ended $?", "Enter");
  expect(await tmux.screen(target)).toMatch(/^ended 143$/m);
});

test("vim keeps a text that was not saved, and can take back what was typed before", async () => {
  const { source, target } = pair;
  const tmux = await openTmux(source, "vim /home/text");
  await tmux.type(source, "i", "first line", "Enter", "second line", "Escape");
  await tmux.type(source, "o", "a third one", "Escape");
  await move(pair, tmux.pid);

  expect(await tmux.screen(target)).toMatch(/^first line\nsecond line\na third one\n~/m);
  expect(await target.sh("cat /home/text 2>&1")).toMatch(/No such file/);
  await tmux.type(target, "u");
  await tmux.type(target, "A", ", longer", "Escape", ":wq", "Enter");
  expect(await target.sh("cat /home/text")).toBe("first line\nsecond line, longer\n");
});

test("tmux keeps two panes with a program in each", async () => {
  const { source, target } = pair;
  const tmux = await openTmux(source, "exec bash");
  await tmux.command(source, "split-window -t work python3 -q");
  await source.pass(3000);
  await tmux.type(source, "answer = 6 * 7", "Enter");
  await tmux.command(source, "select-pane -t work.0");
  await tmux.type(source, "work=unsaved", "Enter");
  const panes = "list-panes -t work -F '#{pane_index} #{pane_pid} #{pane_width}x#{pane_height}'";
  const before = await tmux.command(source, panes);
  expect(before.trim().split("\n")).toHaveLength(2);
  await move(pair, tmux.pid);

  expect(await tmux.command(target, panes)).toBe(before);
  await tmux.type(target, "echo $work", "Enter");
  expect(await tmux.screen(target)).toMatch(/^unsaved$/m);
  await tmux.command(target, "select-pane -t work.1");
  await tmux.type(target, "print(answer + 1)", "Enter");
  expect(await tmux.screen(target)).toMatch(/^43$/m);
});
