package millrace.compiler;

import java.io.IOException;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Classes of a tenant and of the SDK, for reading signatures. Nothing is initialised. */
final class TenantClasses implements AutoCloseable {
    private final URLClassLoader loader;

    TenantClasses(List<Path> classPath) {
        // The parent is the platform: neither TeaVM nor the compilers are visible.
        loader = new URLClassLoader(urls(classPath), ClassLoader.getPlatformClassLoader());
    }

    static URL[] urls(List<Path> paths) {
        List<URL> urls = new ArrayList<>();
        for (Path path : paths) {
            try {
                urls.add(path.toUri().toURL());
            } catch (MalformedURLException e) {
                throw new IllegalArgumentException(path.toString(), e);
            }
        }
        return urls.toArray(new URL[0]);
    }

    /** The class that implements the world: the named one, or the only one among the compiled ones. */
    Class<?> find(Request request, Path compiled) throws IOException {
        if (request.className() != null && !request.className().isEmpty()) {
            return check(load(request.className()), request.world());
        }
        List<Class<?>> found = new ArrayList<>();
        if (Files.isDirectory(compiled)) {
            try (Stream<Path> files = Files.walk(compiled)) {
                List<Path> sorted = files.filter(file -> file.toString().endsWith(".class")).sorted().toList();
                for (Path file : sorted) {
                    String path = compiled.relativize(file).toString().replace('/', '.').replace('\\', '.');
                    Class<?> candidate = load(path.substring(0, path.length() - ".class".length()));
                    if (extendsBase(candidate, request.world()) && !java.lang.reflect.Modifier.isAbstract(candidate.getModifiers())) {
                        found.add(candidate);
                    }
                }
            }
        }
        String base = request.world().baseName();
        if (found.isEmpty()) {
            throw new BuildFailure("there is no class that extends " + base, "Write `class Name extends " + base + "`, or name the class.");
        }
        if (found.size() > 1) {
            List<String> names = found.stream().map(Class::getName).toList();
            throw new BuildFailure("several classes extend " + base + ": " + String.join(", ", names), "Name the one to build.");
        }
        return check(found.get(0), request.world());
    }

    private Class<?> load(String name) {
        try {
            return Class.forName(name, false, loader);
        } catch (ClassNotFoundException e) {
            throw new BuildFailure("there is no class `" + name + "`", "Give its full name, with its package.");
        } catch (LinkageError e) {
            throw new BuildFailure("class `" + name + "` cannot be read: " + e.getMessage(), "A JAR that it needs may be missing.");
        }
    }

    private static boolean extendsBase(Class<?> type, World world) {
        for (Class<?> at = type; at != null; at = at.getSuperclass()) {
            if (at.getName().equals(world.base)) {
                return true;
            }
        }
        return false;
    }

    private static Class<?> check(Class<?> type, World world) {
        String problem = null;
        if (!extendsBase(type, world)) {
            problem = "does not extend " + world.base;
        } else if (java.lang.reflect.Modifier.isAbstract(type.getModifiers())) {
            problem = "is abstract";
        } else if (type.isMemberClass() && !java.lang.reflect.Modifier.isStatic(type.getModifiers())) {
            problem = "is an inner class; make it static or move it out";
        } else if (java.lang.reflect.Modifier.isPrivate(type.getModifiers())) {
            problem = "is private";
        } else {
            try {
                if (java.lang.reflect.Modifier.isPrivate(type.getDeclaredConstructor().getModifiers())) {
                    problem = "has a private constructor";
                }
            } catch (NoSuchMethodException e) {
                problem = "has no constructor without parameters";
            } catch (LinkageError e) {
                problem = "cannot be read: " + e.getMessage();
            }
        }
        if (problem != null) {
            throw new BuildFailure("class `" + type.getName() + "` " + problem, null);
        }
        return type;
    }

    @Override
    public void close() throws IOException {
        loader.close();
    }
}
