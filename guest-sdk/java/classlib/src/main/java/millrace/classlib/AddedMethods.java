package millrace.classlib;

import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.teavm.model.AccessLevel;
import org.teavm.model.ClassHolder;
import org.teavm.model.ClassHolderTransformer;
import org.teavm.model.ClassHolderTransformerContext;
import org.teavm.model.ElementModifier;
import org.teavm.model.MethodDescriptor;
import org.teavm.model.MethodHolder;
import org.teavm.model.MethodReference;
import org.teavm.model.ValueType;
import org.teavm.model.emit.ProgramEmitter;
import org.teavm.model.emit.ValueEmitter;

/**
 * Adds the methods of the classes that are marked with {@link Adds}.
 *
 * <p>Invariant: a method that TeaVM has is left alone unless ours says {@link Replaces}, so a newer TeaVM wins.
 */
final class AddedMethods implements ClassHolderTransformer {
    private static final Class<?>[] SOURCES = {
        ArrayMethods.class, AtomicBooleans.class, AtomicIntegers.class, AtomicLongs.class, BigIntegers.class,
        Builders.class, Calendars.class, Characters.class, CollectionMethods.class, CollectionWrappers.class, Dates.class,
        DecimalFormats.class, Decimals.class, DoubleStreams.class, DoubleSummaryStatisticsText.class, Doubles.class,
        Durations.class, Enumerations.class, Floats.class, IntStreams.class, IntSummaryStatisticsText.class, Integers.class,
        LocalDates.class, LocalTimes.class, LongStreams.class, LongSummaryStatisticsText.class, Longs.class, Matchers.class,
        Maths.class, Patterns.class, Randoms.class, Readers.class, Sequences.class, Streams.class, Sums.class,
        TextOptional.class, TextOptionalDouble.class, TextOptionalInt.class, TextOptionalLong.class, Texts.class,
        Threads.class, TimeZones.class, Times.class,
    };

    private final Map<String, List<Method>> added = new HashMap<>();

    AddedMethods() {
        for (Class<?> source : SOURCES) {
            Adds adds = source.getAnnotation(Adds.class);
            String owner = adds.in().isEmpty() ? adds.to().getName() : adds.in();
            List<Method> methods = added.computeIfAbsent(owner, name -> new ArrayList<>());
            for (Method method : source.getDeclaredMethods()) {
                if (Modifier.isPublic(method.getModifiers()) && !method.isSynthetic()) {
                    methods.add(method);
                }
            }
        }
    }

    @Override
    public void transformClass(ClassHolder cls, ClassHolderTransformerContext context) {
        for (Method method : added.getOrDefault(cls.getName(), List.of())) {
            add(cls, method, context);
        }
    }

    private static void add(ClassHolder cls, Method source, ClassHolderTransformerContext context) {
        Class<?>[] parameters = source.getParameterTypes();
        boolean instance = !source.isAnnotationPresent(Static.class) && parameters.length > 0
            && parameters[0] == source.getDeclaringClass().getAnnotation(Adds.class).to();
        ValueType[] signature = new ValueType[parameters.length - (instance ? 1 : 0) + 1];
        for (int i = 0; i < signature.length - 1; i++) {
            signature[i] = ValueType.parse(parameters[i + (instance ? 1 : 0)]);
        }
        signature[signature.length - 1] = ValueType.parse(source.getReturnType());
        MethodDescriptor descriptor = new MethodDescriptor(source.getName(), signature);
        MethodHolder existing = cls.getMethod(descriptor);
        if (existing != null) {
            if (!source.isAnnotationPresent(Replaces.class)) {
                return;
            }
            cls.removeMethod(existing);
        }
        MethodHolder method = new MethodHolder(descriptor);
        method.setLevel(AccessLevel.PUBLIC);
        if (!instance) {
            method.getModifiers().add(ElementModifier.STATIC);
        }
        ProgramEmitter body = ProgramEmitter.create(method, context.getHierarchy());
        ValueEmitter[] arguments = new ValueEmitter[parameters.length];
        for (int i = 0; i < parameters.length; i++) {
            // Variable 0 is `this`, also of static methods.
            arguments[i] = body.var(instance ? i : i + 1, ValueType.parse(parameters[i]));
        }
        ValueType[] full = new ValueType[parameters.length + 1];
        for (int i = 0; i < parameters.length; i++) {
            full[i] = ValueType.parse(parameters[i]);
        }
        full[parameters.length] = signature[signature.length - 1];
        ValueEmitter result = body.invoke(new MethodReference(source.getDeclaringClass().getName(), source.getName(), full), arguments);
        if (source.getReturnType() == void.class) {
            body.exit();
        } else {
            result.returnValue();
        }
        cls.addMethod(method);
    }
}
