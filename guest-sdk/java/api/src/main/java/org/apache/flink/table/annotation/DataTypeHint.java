package org.apache.flink.table.annotation;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** The SQL type of a parameter, result, field or accumulator, where the Java type does not say it. */
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.TYPE, ElementType.METHOD, ElementType.FIELD, ElementType.PARAMETER})
public @interface DataTypeHint {
    /** The type as SQL writes it: {@code DECIMAL(12, 3)}, {@code ROW<id BIGINT, name STRING>}. */
    String value() default "";

    /** The Java class of the values. */
    Class<?> bridgedTo() default void.class;

    /** A parameter that takes values of any type. */
    InputGroup inputGroup() default InputGroup.UNKNOWN;

    /** Taken so that code compiles; Millrace has no RAW types. */
    HintFlag allowRawGlobally() default HintFlag.UNKNOWN;
}
