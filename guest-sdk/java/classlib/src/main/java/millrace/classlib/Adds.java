package millrace.classlib;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * The public static methods of this class are added to another class as if it had them itself: methods whose first parameter
 * is an object of that class become its instance methods, unless they are {@link Static}.
 */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.TYPE)
@interface Adds {
    /** The class that is completed. */
    Class<?> to();

    /** Where TeaVM has the methods, if not in that class itself. */
    String in() default "";
}
