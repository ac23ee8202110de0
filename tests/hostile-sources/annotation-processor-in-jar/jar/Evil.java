package acme;
import java.nio.file.*;
import java.util.Set;
import javax.annotation.processing.*;
import javax.lang.model.element.TypeElement;

@SupportedAnnotationTypes("*")
public class Evil extends AbstractProcessor {
    @Override
    public boolean process(Set<? extends TypeElement> annotations, RoundEnvironment environment) {
        try {
            Files.writeString(Path.of("CANARY/processor"), "ran");
        } catch (java.io.IOException e) {
            throw new RuntimeException("the processor ran", e);
        }
        return false;
    }
}
