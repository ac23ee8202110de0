package org.apache.flink.table.annotation;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** Name and type of a parameter. */
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.PARAMETER, ElementType.METHOD, ElementType.TYPE})
public @interface ArgumentHint {
    /** Its name. */
    String name() default "";

    /** Its type. */
    DataTypeHint type() default @DataTypeHint();

    /** Whether it may be left out. */
    boolean isOptional() default false;
}
