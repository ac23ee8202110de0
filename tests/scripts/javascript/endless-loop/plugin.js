export function process(row) {
  for (;;);
}
