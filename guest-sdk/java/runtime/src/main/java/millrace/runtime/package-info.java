/**
 * What stands between tenant code and the host in a component made of Java or Scala: the canonical ABI of the plugin
 * contract, written by hand for TeaVM's C backend.
 *
 * <p>Invariants: values are read and written where they lie in linear memory, no object stands for a cell; a class that a
 * program does not reach costs nothing, so conversions to objects are only called from methods that hand objects out.
 */
package millrace.runtime;
