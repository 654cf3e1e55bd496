import { describe, expect, test } from "vitest";
import { COMMAND_MARKS, withMarks } from "../../src/reboot/command-marks.js";

/** What a console shows of a command, from its echo on. */
function shown(command: string, printed: string, prompt = "guest:~# "): string {
  return `${withMarks(command)}<<\n${printed}${prompt}`;
}

describe("the end of a command is found", () => {
  test.each([
    ["true", ">> 0\n", { output: "", status: 0 }],
    ["ls", "a\nb\n>> 0\n", { output: "a\nb\n", status: 0 }],
    ["printf hello; false", "hello>> 1\n", { output: "hello", status: 1 }],
    ["printf '1\\n>'", "1\n>>> 0\n", { output: "1\n>", status: 0 }],
    ["printf '>> 7'", ">> 7>> 0\n", { output: ">> 7", status: 0 }],
    [
      "cat script",
      "echo <<\n<<\necho a >> 1\n>> 0\n",
      { output: "echo <<\n<<\necho a >> 1\n", status: 0 },
    ],
  ])("of %s", (command, printed, result) => {
    expect(COMMAND_MARKS.exec(shown(command, printed))).toMatchObject(result);
  });

  test("before its prompt, if it begins a line", () => {
    const match = COMMAND_MARKS.exec(shown("echo a", "a\n>> 0\n", ""));
    expect(match).toMatchObject({ output: "a\n", status: 0, 0: "<<\na\n>> 0\n" });
  });
});

test.each([
  ["has not begun", withMarks("echo a >> 1")],
  ["has not printed anything", shown("ls", "", "")],
  ["has not printed its status whole", shown("ls", "a\n>> 1", "")],
  ["prints a line that ends like a mark, and goes on", shown("cat script", "echo a >> 1\n", "")],
  ["prints more behind such a line", shown("cat script", "echo a >> 1\necho b\n")],
  ["prints a mark with a number that is none", shown("a", ">> 1a\n")],
])("a command goes on that %s", (_, text) => {
  expect(COMMAND_MARKS.exec(text)).toBeNull();
});

test("half a megabyte of marks that do not fit together is gone through at once", () => {
  for (const piece of ["<<\n", ">> ", "<<\n>> ", ">> 1", ">> 1#\n", "1\n"]) {
    const text = shown("yes", piece.repeat(2 ** 19 / piece.length), "");
    for (let look = 0; look < 10; look++) expect(COMMAND_MARKS.exec(text)).toBeNull();
  }
});
