/**
 * SQL functions in the class syntax that Flink users know, so that their code compiles unchanged.
 *
 * <p>Written for Millrace: names and signatures are Flink's, nothing else is.
 */
package org.apache.flink.table.functions;
