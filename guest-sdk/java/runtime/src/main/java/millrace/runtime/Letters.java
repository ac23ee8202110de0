package millrace.runtime;

import org.teavm.interop.Address;
import org.teavm.interop.Import;
import org.teavm.interop.Unmanaged;
import org.teavm.interop.c.Include;

/** Upper and lower case of ASCII text: what {@code String.toUpperCase()} and {@code toLowerCase()} try first. */
@Include("millrace.h")
public final class Letters {
    private Letters() {}

    /** 0: nothing would change; 1: letters would; 2: not ASCII. `first` is the first letter that would change. */
    @Import(name = "millrace_ascii_case")
    @Unmanaged
    private static native int state(Address characters, int units, int first);

    @Import(name = "millrace_ascii_flip")
    @Unmanaged
    private static native void flip(Address to, Address from, int units, int first);

    /** The text with the letters' case changed, itself if there are none; null if it is not ASCII or there is no room yet. */
    @Import(name = "millrace_string_case_try")
    @Unmanaged
    private static native Object changeTry(Address text, int first);

    /** The text in capitals; null if it is not ASCII. */
    public static String upper(String text) {
        return changed(text, 'a');
    }

    /** The text in small letters; null if it is not ASCII. */
    public static String lower(String text) {
        return changed(text, 'A');
    }

    private static String changed(String text, int first) {
        Object made = changeTry(Address.ofObject(text), first);
        return made != null ? (String) made : collectedChange(text, first);
    }

    /** The same; makes room for it first. */
    private static String collectedChange(String text, int first) {
        int units = text.length();
        int state = state(Memory.charactersOf(Address.ofObject(text)), units, first);
        if (state != 1) {
            return state == 0 ? text : null;
        }
        char[] characters = new char[units];
        String changed = new String();
        flip(Address.ofData(characters), Memory.charactersOf(Address.ofObject(text)), units, first);
        Memory.initString(Address.ofObject(changed), Address.ofObject(characters));
        return changed;
    }
}
