package millrace.classlib;

import java.util.Collection;
import java.util.stream.Stream;

/** Collection. "Parallel" is one after another. */
@Adds(to = Collection.class)
final class CollectionMethods {
    private CollectionMethods() {}

    public static <E> Stream<E> parallelStream(Collection<E> collection) {
        return collection.stream();
    }
}
