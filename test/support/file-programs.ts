/** A program for Python that prints each file below some paths, with all that it is. */
export const TREE_PROGRAM = `
import os, sys, stat, zlib
def crc(path):
    value, at = 0, 0
    with open(path, "rb", buffering=0) as file:
        while True:
            try: at = file.seek(at, os.SEEK_DATA)
            except OSError: return value
            end = file.seek(at, os.SEEK_HOLE)
            file.seek(at)
            while at < end:
                data = file.read(min(end - at, 4096))
                if data.count(0) != len(data): value = zlib.crc32(data, zlib.crc32(b"%d" % at, value))
                at += len(data)
def show(path):
    s = os.lstat(path)
    kind = stat.S_IFMT(s.st_mode)
    line = [path, oct(s.st_mode), s.st_uid, s.st_gid, s.st_rdev]
    if kind != stat.S_IFDIR: line += [s.st_mtime_ns, s.st_nlink]
    if kind == stat.S_IFREG: line += [s.st_size, crc(path)]
    if kind == stat.S_IFLNK: line.append(os.readlink(path))
    names = sorted(os.listxattr(path, follow_symlinks=False))
    line += [n + "=" + os.getxattr(path, n, follow_symlinks=False).hex() for n in names]
    print(*line)
for top in sys.argv[1:]:
    if not os.path.lexists(top): continue
    show(top)
    for folder, folders, files in os.walk(top):
        folders.sort()
        for name in sorted(folders + files): show(os.path.join(folder, name))
`;

/** A program for Python that does so many things at random, by a seed, to the files of a directory. */
export const MUTATE_PROGRAM = `
import os, sys, random, shutil
top, seed, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
r = random.Random(seed)
def paths(): return sorted(os.path.join(d, n) for d, ds, fs in os.walk(top) for n in ds + fs)
def folders(): return [top] + [p for p in paths() if os.path.isdir(p) and not os.path.islink(p)]
def fresh(): return os.path.join(r.choice(folders()), "n%d" % r.randrange(12))
def regular(): return [p for p in paths() if os.path.isfile(p) and not os.path.islink(p)]
def write():
    p = fresh()
    if os.path.lexists(p) and p not in regular(): return
    with open(p, r.choice(["wb", "ab"])) as f:
        if r.random() < 0.3: f.seek(r.randrange(1 << 20), os.SEEK_CUR)
        f.write(r.randbytes(r.randrange(50000)))
def remove():
    p = r.choice(paths())
    if os.path.isdir(p) and not os.path.islink(p):
        if r.random() < 0.3: shutil.rmtree(p)
    else: os.unlink(p)
def rename():
    p, q = r.choice(paths()), fresh()
    if not (q + "/").startswith(p + "/"): os.rename(p, q)
actions = [
    write, write, write, remove, rename, rename,
    lambda: os.mkdir(fresh()), lambda: os.symlink(r.choice(["n1", "/etc", "../n2"]), fresh()),
    lambda: os.link(r.choice(regular()), fresh()), lambda: os.mkfifo(fresh()),
    lambda: os.mknod(fresh(), 0o20640, os.makedev(r.randrange(300), r.randrange(70000))),
    lambda: os.chmod(r.choice(regular() + folders()[1:]), r.randrange(0o10000)),
    lambda: os.lchown(r.choice(paths()), r.randrange(70000), r.randrange(70000)),
    lambda: os.utime(r.choice(paths()), ns=(r.randrange(1 << 62), r.randrange(1 << 61)), follow_symlinks=False),
    lambda: os.setxattr(r.choice(regular() + folders()[1:]), "user.a%d" % r.randrange(3), r.randbytes(9)),
    lambda: os.truncate(r.choice(regular()), r.randrange(200000)),
]
done = 0
while done < count:
    try:
        r.choice(actions)()
        done += 1
    except (OSError, IndexError): pass
`;

/** A program for Python that becomes another one, for which the kernel has no calls newer than Linux 4.10. */
export const OLDER_PROGRAM = `
import ctypes, os, struct, sys
# openat2, statx, clock_gettime64, utimensat_time64, fanotify_init
calls = [437, 383, 403, 412, 338]
step = lambda code, match, number: struct.pack("HBBI", code, match, 0, number)
steps = [step(0x20, 0, 0)] + [step(0x15, len(calls) - i, n) for i, n in enumerate(calls)]
steps += [step(0x06, 0, 0x7fff0000), step(0x06, 0, 0x50000 + 38)]
filter = ctypes.create_string_buffer(b"".join(steps))
program = ctypes.create_string_buffer(struct.pack("HxxI", len(steps), ctypes.addressof(filter)))
if ctypes.CDLL(None).prctl(22, 2, ctypes.byref(program)) != 0: sys.exit("no filter")
os.execv(sys.argv[1], sys.argv[1:])
`;
