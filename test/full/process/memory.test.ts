import { describe, expect, test } from "vitest";
import { move, moveProof, unmountHome } from "../../support/moving.js";
import { workbenchPair } from "../../support/workbench-pair.js";

const pair = workbenchPair();

describe("memory goes along to another kernel", () => {
  test.each([
    "private_memory",
    "shared_anonymous",
    "private_file_mapping",
    "shared_file_mapping",
    "deleted_file_mapping",
    "brk",
    "growing_stack",
    "mlock",
    "huge_and_zero_pages",
    "arguments",
  ])("%s", async (name) => {
    expect(await moveProof(pair, name)).toBe(`PASSED ${name}`);
  });
});

/** Moves a Perl program of one line that waits for `/home/go`, lets it go on, and returns what it has printed. */
async function moveScript(program: string): Promise<string> {
  const { source, target } = pair;
  await source.sh(`rm -f /home/go; echo '${program.replaceAll("\n", " ")}' >/home/script.pl`);
  await source.sh(
    "(setsid perl /home/script.pl >/home/said </dev/null & echo $! >/run/pid); sleep 1",
  );
  await move(pair, Number(await source.sh("cat /run/pid")));
  const said = await target.sh(
    "touch /home/go; until [ -s /home/said ]; do usleep 10000; done; cat /home/said",
  );
  await unmountHome(target);
  return said;
}

/** Registers for memory barriers, locks a page within its heap, waits, and looks at both. */
const PROGRAM = `
  sub brk { my $end = syscall(45, $_[0]); $end < 0 ? $end + 2**32 : $end }
  syscall(375, 16, 0, 0) == 0 or die;
  my $end = brk(0);
  syscall(150, ($end & ~4095) - 32768, 4096) == 0 or die;
  print scalar(grep(/\\[heap\\]/, do { open my $maps, "<", "/proc/self/maps"; <$maps> })), " ";
  select(undef, undef, undef, 0.01) until -e "/home/go";
  print syscall(375, 8, 0, 0), " ", brk(0) == $end, " ", brk($end + 65536) == $end + 65536, "\\n";
`;

test("memory barriers stay registered, and the heap ends where it did though a part of it is locked", async () => {
  expect(await moveScript(PROGRAM)).toBe("3 0 1 1\n");
});

/** Shares a page of memory and forbids itself to write to it, waits, and allows it again. */
const READ_ONLY = `
  my $at = syscall(192, 0, 4096, 3, 0x21, -1, 0);
  syscall(125, $at, 4096, 1) == 0 or die;
  select(undef, undef, undef, 0.01) until -e "/home/go";
  syscall(125, $at, 4096, 3) == 0 or print "mprotect: $!\\n";
  open my $words, "<", "/home/words";
  print syscall(3, fileno($words), $at, 5), "\\n";
`;

test("shared memory without a file that may not be written to can be made writable again", async () => {
  await pair.source.sh("echo hello >/home/words");
  expect(await moveScript(READ_ONLY)).toBe("5\n");
});
