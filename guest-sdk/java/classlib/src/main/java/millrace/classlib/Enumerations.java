package millrace.classlib;

import java.util.Enumeration;
import java.util.Iterator;

/** Enumeration. */
@Adds(to = Enumeration.class)
final class Enumerations {
    private Enumerations() {}

    public static <E> Iterator<E> asIterator(Enumeration<E> enumeration) {
        return new Iterator<>() {
            @Override
            public boolean hasNext() {
                return enumeration.hasMoreElements();
            }

            @Override
            public E next() {
                return enumeration.nextElement();
            }
        };
    }
}
