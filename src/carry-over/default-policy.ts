import type { Policy } from "./policy.js";

/**
 * The rules for any guest. There is none for the files of packages and of their manager, or for
 * configuration: where both systems have changed those, a person has to decide.
 *
 * References:
 * - [hier(7)], [file-hierarchy(7)], [utmp(5)], [systemd-random-seed.service(8)],
 *   [systemd-journald.service(8)], [ld.so(8)], [depmod(8)], [hwclock(8)], [lastlog2(8)], [wtmpdb(8)],
 *   [anacron(8)], [logrotate(8)], [apt-get(8)], /etc/cron.daily/dpkg of Debian
 */
export const DEFAULT_POLICY: Policy = [
  {
    pattern: "/var/log/journal/**",
    files: "beside",
    why: "a journal is a data base that its daemon has open; journalctl reads all that lie there",
  },
  {
    pattern: "/var/log/lastlog",
    files: "original",
    why: "a table with one place a user: the original has seen the user's logins",
  },
  {
    pattern: "/var/lib/lastlog/**",
    files: "original",
    why: "a data base of logins: the original has seen the user's",
  },
  {
    pattern: "/var/lib/wtmpdb/**",
    files: "original",
    why: "a data base of logins: the original has seen the user's",
  },
  {
    pattern: "/var/log/**",
    files: "append",
    why: "logs grow at their end, and a daemon of the rebooted system has them open",
  },
  {
    pattern: "/root/.*_history",
    files: "append",
    why: "shells add lines to their history when they end",
  },
  { pattern: "/etc/mtab", files: "stay", why: "it says what this system has mounted" },
  { pattern: "/etc/adjtime", files: "rebooted", why: "a shutdown writes how the clock drifts" },
  {
    pattern: "/etc/ld.so.cache",
    files: "rebooted",
    why: "it is computed from the libraries that are there",
  },
  {
    pattern: "/lib/modules/*/modules.*",
    files: "rebooted",
    why: "depmod computes it from the modules that are there",
  },
  {
    pattern: "/usr/lib/modules/*/modules.*",
    files: "rebooted",
    why: "depmod computes it from the modules that are there",
  },
  {
    pattern: "/boot/grub/grubenv",
    files: "stay",
    why: "the boot loader notes in it which boot succeeded",
  },
  { pattern: "/var/lib/boots", files: "rebooted", why: "each boot counts itself in it" },
  {
    pattern: "/var/lib/systemd/random-seed",
    files: "rebooted",
    why: "a seed must not be used twice: the shutdown has written a fresh one",
  },
  {
    pattern: "/var/lib/urandom/random-seed",
    files: "rebooted",
    why: "a seed must not be used twice: the shutdown has written a fresh one",
  },
  {
    pattern: "/var/lib/seedrng/**",
    files: "rebooted",
    why: "a seed must not be used twice: the shutdown has written a fresh one",
  },
  {
    pattern: "/var/lib/systemd/timers/**",
    files: "rebooted",
    why: "the rebooted system's own timers note when they ran",
  },
  {
    pattern: "/var/lib/systemd/timesync/clock",
    files: "rebooted",
    why: "it keeps the clock from going back",
  },
  {
    pattern: "/var/lib/apt/periodic/**",
    files: "rebooted",
    why: "the rebooted system's own timers note when they ran",
  },
  {
    pattern: "/var/spool/anacron/**",
    files: "rebooted",
    why: "the rebooted system's own jobs note when they ran",
  },
  {
    pattern: "/var/lib/logrotate/**",
    files: "rebooted",
    why: "it notes when the rebooted system has put its logs aside",
  },
  {
    pattern: "/var/lib/apt/lists/**",
    files: "rebooted",
    why: "what an archive has to offer can be fetched again",
  },
  {
    pattern: "/var/backups/**",
    files: "rebooted",
    why: "each system copies its own data bases there every day",
  },
  { pattern: "/run/**", files: "stay", why: "it is the state of this boot" },
  { pattern: "/var/run/**", files: "stay", why: "it is the state of this boot" },
  { pattern: "/var/lock/**", files: "stay", why: "it is the state of this boot" },
  {
    pattern: "/var/cache/**",
    files: "rebooted",
    why: "what is in a cache can be made again, and fits the system that made it",
  },
  { pattern: "/tmp/**", files: "original", why: "the rebooted system has just emptied it" },
];
