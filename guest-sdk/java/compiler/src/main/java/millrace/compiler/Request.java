package millrace.compiler;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** What is to be built. */
record Request(World world, boolean scala, List<Source> sources, List<Jar> jars, String className, Path folder) {
    /** A file of source text. */
    record Source(String path, String text) {}

    /** An archive, by the name that messages call it. */
    record Jar(String name, Path path) {}

    static Request of(Map<String, Object> json) {
        List<Source> sources = new ArrayList<>();
        for (Object source : Json.list(json.get("sources"))) {
            Map<String, Object> fields = Json.object(source);
            sources.add(new Source((String) fields.get("path"), (String) fields.get("text")));
        }
        List<Jar> jars = new ArrayList<>();
        for (Object jar : Json.list(json.get("jars"))) {
            Map<String, Object> fields = Json.object(jar);
            jars.add(new Jar((String) fields.get("name"), Path.of((String) fields.get("path"))));
        }
        World world = World.of((String) json.get("world"));
        boolean scala = "scala".equals(json.get("language"));
        return new Request(world, scala, sources, jars, (String) json.get("class"), Path.of((String) json.get("folder")));
    }
}
