package millrace.classlib;

/** Character. */
@Adds(to = Character.class)
final class Characters {
    private Characters() {}

    public static String toString(int codePoint) {
        return new String(Character.toChars(codePoint));
    }

    /** Blocks of Han characters, Tangut and Nushu. */
    public static boolean isIdeographic(int codePoint) {
        return codePoint >= 0x3400 && codePoint <= 0x4DBF
            || codePoint >= 0x4E00 && codePoint <= 0x9FFF
            || codePoint >= 0xF900 && codePoint <= 0xFAD9
            || codePoint >= 0x17000 && codePoint <= 0x18D08
            || codePoint >= 0x1B170 && codePoint <= 0x1B2FB
            || codePoint >= 0x20000 && codePoint <= 0x3134A
            || codePoint == 0x3006 || codePoint == 0x3007
            || codePoint >= 0x3021 && codePoint <= 0x3029
            || codePoint >= 0x3038 && codePoint <= 0x303A;
    }
}
