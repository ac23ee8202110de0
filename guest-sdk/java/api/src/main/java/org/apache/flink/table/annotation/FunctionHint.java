package org.apache.flink.table.annotation;

import java.lang.annotation.ElementType;
import java.lang.annotation.Repeatable;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** Types of a function: on the class for all its methods, on a method for that one. May be given several times. */
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.TYPE, ElementType.METHOD})
@Repeatable(FunctionHints.class)
public @interface FunctionHint {
    /** Types of the parameters. */
    DataTypeHint[] input() default @DataTypeHint();

    /** Types of the parameters with names. */
    ArgumentHint[] arguments() default {};

    /** Names of the parameters. */
    String[] argumentNames() default {""};

    /** Whether the last parameter may be given any number of times. */
    boolean isVarArgs() default false;

    /** Type of the accumulator. */
    DataTypeHint accumulator() default @DataTypeHint();

    /** Type of the result. */
    DataTypeHint output() default @DataTypeHint();
}
