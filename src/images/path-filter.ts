/*
 * Which files of packages a small guest does without.
 *
 * References: dpkg(1), `--path-exclude` and `--path-include`; dpkg.cfg(5); fnmatch(3).
 */

/**
 * Reads what a configuration of dpkg says of paths.
 *
 * @param configuration text of a file of dpkg's, with lines such as `path-exclude=/usr/share/man/*`
 * @returns tells whether dpkg would unpack a file; its path has no slash before it
 */
export function pathFilter(configuration: string): (path: string) => boolean {
  const rules: { readonly takes: boolean; readonly pattern: RegExp }[] = [];
  for (const [, word, glob = ""] of configuration.matchAll(/^path-(exclude|include)=(.*)$/gm)) {
    rules.push({ takes: word === "include", pattern: globPattern(glob.trim()) });
  }
  // The last rule that speaks of a path decides.
  return (path) => rules.findLast(({ pattern }) => pattern.test(`/${path}`))?.takes ?? true;
}

/** A shell's pattern as dpkg understands it: an asterisk stands for slashes, too. */
function globPattern(glob: string): RegExp {
  const parts = glob.split(/(\[[^\]]*\]|\*|\?)/).map((part) => {
    if (part === "*") return "[^]*";
    if (part === "?") return "[^]";
    if (part.startsWith("[") && part.endsWith("]")) return part.replace(/^\[!/, "[^");
    return part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
  });
  return new RegExp(`^${parts.join("")}$`);
}
