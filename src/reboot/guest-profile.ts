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
  readonly bootPhases: readonly { readonly name: string; readonly until: RegExp }[];
  readonly update: {
    readonly name: string;
    /** Shell command that applies the update; a reboot then puts it into effect. */
    readonly apply: string;
    /** What `uname -r` must print when it is in effect. */
    readonly kernelAfter: string;
  };
  /** Which disk holds /home, counted from zero. */
  readonly homeDisk: number;
}
