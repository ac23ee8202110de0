package millrace.compiler;

/** The worlds of the contract: what a class of the SDK implements, and who calls it. */
enum World {
    ETL_OPERATOR("etl-operator", "millrace.api.ETLFunction", "millrace.runtime.EtlWorld"),
    SCALAR_FUNCTION("scalar-function", "org.apache.flink.table.functions.ScalarFunction", "millrace.runtime.ScalarWorld"),
    TABLE_FUNCTION("table-function", "org.apache.flink.table.functions.TableFunction", "millrace.runtime.TableWorld"),
    AGGREGATE_FUNCTION(
        "aggregate-function", "org.apache.flink.table.functions.AggregateFunction", "millrace.runtime.AggregateWorld"),
    TRANSFORM_OPERATOR("transform-operator", "millrace.api.TableOperateProcessor", "millrace.runtime.TransformWorld"),
    SOURCE_OPERATOR("source-operator", "millrace.api.SourceOperator", "millrace.runtime.SourceWorld"),
    SINK_OPERATOR("sink-operator", "millrace.api.SinkOperator", "millrace.runtime.SinkWorld"),
    DIMENSION_UPDATER("dimension-updater", "millrace.api.DimensionUpdater", "millrace.runtime.DimensionWorld");

    /** Name in the contract. */
    final String id;
    /** The class that tenants extend. */
    final String base;
    /** The class of the runtime that exports the world. */
    final String exports;

    World(String id, String base, String exports) {
        this.id = id;
        this.base = base;
        this.exports = exports;
    }

    static World of(String id) {
        for (World world : values()) {
            if (world.id.equals(id)) {
                return world;
            }
        }
        throw new IllegalArgumentException("there is no world `" + id + "`");
    }

    /** The base class without its package. */
    String baseName() {
        return base.substring(base.lastIndexOf('.') + 1);
    }
}
