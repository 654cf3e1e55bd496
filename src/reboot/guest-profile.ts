/** What a shell command must print, in whole lines, if all is well. */
export interface HealthCheck {
  readonly name: string;
  readonly command: string;
  readonly expect: RegExp;
  /** How long it may take until the command prints that, in ms of virtual time. */
  readonly withinMs: number;
}

/** What a strategy knows of a guest: how to log in, how to tell where its boot is, and what to update. */
export interface GuestProfile {
  readonly name: string;
  readonly login: {
    /** Ends what the guest prints when it waits for a user name. */
    readonly prompt: RegExp;
    readonly user: string;
    /** Ends what the guest prints when the shell waits for a command. */
    readonly shellPrompt: RegExp;
  };
  /** The phases of a boot in their order; each ends when the guest prints something on the console. */
  readonly bootPhases: readonly {
    readonly name: string;
    readonly until: RegExp;
    /** How long it may take, in ms of virtual time. */
    readonly withinMs: number;
  }[];
  /** What must be right after a boot, besides that a login answers. */
  readonly health: readonly HealthCheck[];
  readonly update: {
    readonly name: string;
    /** Shell commands of one line that apply the update; a reboot then puts it into effect. */
    readonly apply: readonly string[];
    /** How long each of them may take, in ms of virtual time. */
    readonly withinMs: number;
    /** What shows, after a reboot, that the update is in effect. */
    readonly check: readonly Pick<HealthCheck, "command" | "expect">[];
    /** What `uname -r` must print then; null if the update brings no other kernel. */
    readonly kernelAfter: string | null;
  };
  /** What the user has open, in the order in which it is started: see the recipe's fields of these names. */
  readonly programs: readonly {
    readonly name: string;
    readonly start: string;
    readonly check: string;
  }[];
  readonly services: readonly string[];
  readonly heartbeat: { readonly start: string; readonly read: string } | null;
  /** Which disk holds /home, counted from zero. */
  readonly homeDisk: number;
}
