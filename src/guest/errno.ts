/**
 * Error numbers of Linux on i386.
 *
 * References:
 * - [errno(3)]; the numbers are those of include/uapi/asm-generic/errno-base.h and errno.h, and for a
 *   call that a signal interrupted, of include/linux/errno.h
 */

const NAMES: Readonly<Record<number, string>> = {
  1: "EPERM",
  2: "ENOENT",
  3: "ESRCH",
  4: "EINTR",
  5: "EIO",
  6: "ENXIO",
  7: "E2BIG",
  8: "ENOEXEC",
  9: "EBADF",
  10: "ECHILD",
  11: "EAGAIN",
  12: "ENOMEM",
  13: "EACCES",
  14: "EFAULT",
  15: "ENOTBLK",
  16: "EBUSY",
  17: "EEXIST",
  18: "EXDEV",
  19: "ENODEV",
  20: "ENOTDIR",
  21: "EISDIR",
  22: "EINVAL",
  23: "ENFILE",
  24: "EMFILE",
  25: "ENOTTY",
  26: "ETXTBSY",
  27: "EFBIG",
  28: "ENOSPC",
  29: "ESPIPE",
  30: "EROFS",
  31: "EMLINK",
  32: "EPIPE",
  33: "EDOM",
  34: "ERANGE",
  35: "EDEADLK",
  36: "ENAMETOOLONG",
  38: "ENOSYS",
  39: "ENOTEMPTY",
  40: "ELOOP",
  42: "ENOMSG",
  43: "EIDRM",
  61: "ENODATA",
  62: "ETIME",
  71: "EPROTO",
  75: "EOVERFLOW",
  88: "ENOTSOCK",
  92: "ENOPROTOOPT",
  93: "EPROTONOSUPPORT",
  94: "ESOCKTNOSUPPORT",
  95: "EOPNOTSUPP",
  97: "EAFNOSUPPORT",
  98: "EADDRINUSE",
  99: "EADDRNOTAVAIL",
  104: "ECONNRESET",
  105: "ENOBUFS",
  106: "EISCONN",
  107: "ENOTCONN",
  110: "ETIMEDOUT",
  111: "ECONNREFUSED",
  116: "ESTALE",
  122: "EDQUOT",
  512: "ERESTARTSYS",
  513: "ERESTARTNOINTR",
  514: "ERESTARTNOHAND",
  516: "ERESTART_RESTARTBLOCK",
};

/** The name of an error number, such as `ENOENT`. */
export function errnoName(errno: number): string {
  return NAMES[errno] ?? `error ${errno}`;
}

/** What a system call returned, if that says that it failed: an error number above zero, else null. */
export function errnoOf(result: number): number | null {
  return result < 0 && result >= -4095 ? -result : null;
}

/** A system call that was made in a guest from outside failed. */
export class SystemCallFailed extends Error {
  override readonly name = "SystemCallFailed";

  /**
   * @param call the call as a person would write it, such as `open("/nowhere", 0)`
   * @param errno what it failed with, above zero
   */
  constructor(
    call: string,
    readonly errno: number,
  ) {
    super(`${call} failed with ${errnoName(errno)}`);
  }

  /** Whether it failed with one of these, such as `ENOENT`. */
  is(...names: readonly string[]): boolean {
    return names.includes(errnoName(this.errno));
  }
}
