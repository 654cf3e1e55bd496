import { describe, expect, test } from "vitest";
import { DEFAULT_POLICY } from "../../src/carry-over/default-policy.js";
import { pathFromText } from "../../src/carry-over/entry.js";
import { compilePolicy, policySchema } from "../../src/carry-over/policy.js";

describe("the pattern of a rule", () => {
  const matches = (pattern: string, path: string) =>
    compilePolicy([{ pattern, files: "stay", why: "a test" }])(pathFromText(path)) !== null;

  test("one star stands for a part of a name, two for any path", () => {
    expect(matches("/var/*.log", "/var/a.log")).toBe(true);
    expect(matches("/var/*.log", "/var/b/a.log")).toBe(false);
    expect(matches("/var/**", "/var/b/a.log")).toBe(true);
    expect(matches("/var/**", "/variable")).toBe(false);
  });

  test("all else stands for itself, beyond ASCII too", () => {
    expect(matches("/a+(b).c", "/a+(b).c")).toBe(true);
    expect(matches("/a+(b).c", "/aa(b)xc")).toBe(false);
    expect(matches("/Grüße/*", "/Grüße/x")).toBe(true);
  });

  test("of several that match the first counts", () => {
    const ruleFor = compilePolicy(DEFAULT_POLICY);
    expect(ruleFor("/var/log/lastlog")?.files).toBe("original");
    expect(ruleFor("/var/log/syslog")?.files).toBe("append");
    expect(ruleFor("/var/log/journal/0123/system.journal")?.files).toBe("beside");
  });
});

describe("the rules for any guest", () => {
  test("are well formed, and no two have the same pattern", () => {
    expect(policySchema.parse(DEFAULT_POLICY)).toEqual(DEFAULT_POLICY);
    const patterns = DEFAULT_POLICY.map(({ pattern }) => pattern);
    expect(new Set(patterns).size).toBe(patterns.length);
  });

  test("settle what each system does by itself every day", () => {
    const ruleFor = compilePolicy(DEFAULT_POLICY);
    for (const path of [
      "/var/backups/dpkg.status.0",
      "/var/lib/apt/lists/lock",
      "/var/lib/logrotate/status",
      "/var/spool/anacron/cron.daily",
    ]) {
      expect(ruleFor(path)?.files, path).toBe("rebooted");
    }
    expect(ruleFor("/var/lib/lastlog/lastlog2.db")?.files).toBe("original");
  });

  test("leave packages and configuration to a person", () => {
    const ruleFor = compilePolicy(DEFAULT_POLICY);
    for (const path of ["/etc/passwd", "/var/lib/dpkg/status", "/usr/bin/perl", "/root/a.note"]) {
      expect(ruleFor(path), path).toBeNull();
    }
  });
});
