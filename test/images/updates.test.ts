import { describe, expect, test } from "vitest";
import { composeUpdate, healthSchema, updatesSchema } from "../../src/images/updates.js";

const kernel = { description: "a kernel", apply: ["install kernel"], kernelAfter: "6.2" };
const config = {
  description: "a setting",
  apply: ["set it", "sync"],
  check: [{ command: "show it", expect: "^set$" }],
};

describe("the updates of a recipe", () => {
  test("may be made of others, which are not written again", () => {
    const updates = updatesSchema.parse({
      kernel,
      config: { ...config, withinMs: 90_000 },
      all: { description: "both", together: ["kernel", "config"] },
    });
    expect(composeUpdate("guest", updates, "all")).toEqual({
      description: "both",
      apply: ["install kernel", "set it", "sync"],
      withinMs: 90_000,
      check: config.check,
      kernelAfter: "6.2",
    });
    expect(composeUpdate("guest", updates, "config")).not.toHaveProperty("kernelAfter");
  });

  test("made of several kernels end with the last", () => {
    const updates = updatesSchema.parse({
      kernel,
      flavour: { ...kernel, kernelAfter: "6.2-pae" },
      all: { description: "both", together: ["kernel", "flavour"] },
    });
    expect(composeUpdate("guest", updates, "all").kernelAfter).toBe("6.2-pae");
  });

  test("are named where there is none of that name, even one that every object has", () => {
    const updates = updatesSchema.parse({ kernel, config });
    for (const name of ["kernl", "toString", "__proto__"]) {
      expect(() => composeUpdate("guest", updates, name)).toThrow(
        `The guest guest has no update "${name}"; it has: kernel, config.`,
      );
    }
  });

  test.each([
    ["that nothing shows to be in effect", { a: { description: "", apply: ["true"] } }, /check or/],
    ["that does nothing", { a: { ...kernel, apply: [] } }, /apply/],
    ["of two lines in one", { a: { ...kernel, apply: ["true\nfalse"] } }, /not one line/],
    [
      "of an unknown one",
      { kernel, a: { description: "", together: ["kernel", "b"] } },
      /no update .*b/,
    ],
    [
      "of one that is itself made of others",
      {
        kernel,
        config,
        both: { description: "", together: ["kernel", "config"] },
        a: { description: "", together: ["both", "kernel"] },
      },
      /both.* is itself made of others/,
    ],
    ["with a broken pattern", { a: { ...config, check: [{ command: "a", expect: "(" }] } }, /regu/],
  ])("an update %s is refused", (_, updates, message) => {
    expect(() => updatesSchema.parse(updates)).toThrow(message);
  });
});

test("a health check has a limit, also where none is given", () => {
  const check = { name: "web", command: "pidof apache2", expect: "^\\d" };
  expect(healthSchema.parse(check).withinMs).toBe(10_000);
  expect(() => healthSchema.parse({ ...check, withinMs: 0 })).toThrow(/withinMs/);
});
