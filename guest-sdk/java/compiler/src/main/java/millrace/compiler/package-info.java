/**
 * Turns Java and Scala source and JARs into C, for the server: a process that stays warm and answers one request per line.
 *
 * <p>Invariants: no class of a tenant is ever run or initialised here, only read; diagnostics point into the tenant's own
 * text; what a request leaves behind lies in the folder that it names.
 */
package millrace.compiler;
