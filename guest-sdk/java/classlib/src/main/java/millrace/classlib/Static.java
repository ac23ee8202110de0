package millrace.classlib;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** A method that stays static although its first parameter could be the object. */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.METHOD)
@interface Static {}
