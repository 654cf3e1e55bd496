/*
 * The order in which kernel modules have to be loaded.
 *
 * References: System V ABI, "Object Files" (ELF header, section header, string table); Linux,
 * include/linux/module.h (MODULE_INFO) for what stands in .modinfo; modules.dep(5).
 */

/** A kernel module cannot be read or found. */
export class KernelModuleError extends Error {
  override readonly name = "KernelModuleError";
}

/** A kernel module: its name as the kernel spells it (`ata_piix`), and its object file. */
export interface KernelModule {
  readonly name: string;
  readonly object: Uint8Array;
}

/**
 * Finds the modules that have to be loaded, each after those that it needs.
 *
 * @param wanted names of modules in the order in which they are wanted
 * @param objects object files of one kernel by path; a module is called by its file: `x/ata-piix.ko`
 * @throws {KernelModuleError} if a module is missing, damaged, or needs itself
 */
export function inLoadOrder(
  wanted: readonly string[],
  objects: ReadonlyMap<string, Uint8Array>,
): KernelModule[] {
  const byName = new Map([...objects].map(([path, object]) => [moduleName(path), object]));
  const ordered: KernelModule[] = [];
  const visit = (name: string, users: readonly string[]) => {
    if (ordered.some((module) => module.name === name)) return;
    const chain = [...users, name];
    if (users.includes(name)) throw new KernelModuleError(chain.join(" needs "));
    const object = byName.get(name);
    if (!object) throw new KernelModuleError(`there is no module for ${chain.join(" needs ")}`);
    for (const dependency of moduleInfo(object, name).depends) visit(dependency, chain);
    ordered.push({ name, object });
  };
  for (const name of wanted) visit(name, []);
  return ordered;
}

/** The kernel takes `-` and `_` in a module's name for the same. */
function moduleName(path: string): string {
  return path.replace(/^.*\//, "").replace(/\.ko$/, "").replaceAll("-", "_");
}

/** What a module says of itself. */
function moduleInfo(object: Uint8Array, name: string): { readonly depends: readonly string[] } {
  const texts = new TextDecoder("latin1").decode(section(object, ".modinfo", name)).split("\0");
  const value = texts.find((text) => text.startsWith("depends="))?.slice("depends=".length) ?? "";
  return { depends: value.split(",").filter(Boolean).map(moduleName) };
}

/** Finds a section of a little-endian 32-bit object file. */
function section(object: Uint8Array, wanted: string, name: string): Uint8Array {
  const view = new DataView(object.buffer, object.byteOffset, object.length);
  try {
    // \x7f E L F, 32 bits, little-endian
    if (view.getUint32(0) !== 0x7f454c46 || view.getUint16(4) !== 0x0101) {
      throw new RangeError("not a 32-bit ELF file");
    }
    const table = view.getUint32(32, true);
    const entryBytes = view.getUint16(46, true);
    const header = (index: number) => {
      const at = table + index * entryBytes;
      const start = view.getUint32(at + 16, true);
      const end = start + view.getUint32(at + 20, true);
      if (end > object.length) throw new RangeError("a section lies beyond the end of the file");
      return { nameAt: view.getUint32(at, true), content: object.subarray(start, end) };
    };
    const names = header(view.getUint16(50, true)).content;
    for (let index = 1; index < view.getUint16(48, true); index++) {
      // A section without content in the file may claim any size, so only the name is read at first.
      const nameAt = view.getUint32(table + index * entryBytes, true);
      const nameEnd = names.indexOf(0, nameAt);
      const text = new TextDecoder("latin1").decode(names.subarray(nameAt, nameEnd));
      if (text === wanted) return header(index).content;
    }
    throw new RangeError(`there is no section ${wanted}`);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new KernelModuleError(`the module ${name} is damaged: ${cause.message}`, { cause });
  }
}
