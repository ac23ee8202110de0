/**
 * What tenant code for Millrace is written against: ETL functions, custom operators and dimension updaters.
 *
 * <p>SQL functions use Flink's class names, see {@code org.apache.flink.table.functions}.
 *
 * <p>Invariant: every class here also works on a plain JVM, so that code can be tested there; in a component the build
 * puts classes that read and write columns behind the same types.
 */
package millrace.api;
