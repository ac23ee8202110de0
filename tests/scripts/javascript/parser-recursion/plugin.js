// The parser does not measure its recursion: this ends the instance, as the machine's stack does.
export const process = (row) => eval("(".repeat(100_000));
