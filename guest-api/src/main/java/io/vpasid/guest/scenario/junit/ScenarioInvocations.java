package io.vpasid.guest.scenario.junit;

import io.vpasid.guest.scenario.Scenario;
import io.vpasid.guest.scenario.ScenarioFiles;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.Extension;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolutionException;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.junit.jupiter.api.extension.TestTemplateInvocationContext;
import org.junit.jupiter.api.extension.TestTemplateInvocationContextProvider;
import org.junit.platform.commons.support.AnnotationSupport;

/// Makes an invocation of a [ScenarioTest] method for each scenario. JUnit uses it by itself.
public final class ScenarioInvocations implements TestTemplateInvocationContextProvider {

  /// For JUnit.
  public ScenarioInvocations() {}

  @Override
  public boolean supportsTestTemplate(ExtensionContext context) {
    return AnnotationSupport.isAnnotated(context.getTestMethod(), ScenarioTest.class);
  }

  @Override
  public Stream<TestTemplateInvocationContext> provideTestTemplateInvocationContexts(
      ExtensionContext context) {
    ScenarioTest test =
        AnnotationSupport.findAnnotation(context.getTestMethod(), ScenarioTest.class).orElseThrow();
    ScenarioFiles files =
        ScenarioFiles.read(Stream.of(test.value()).map(Path::of).toList(), test.filter());
    return Stream.concat(
        files.broken().stream().map(Broken::new), files.scenarios().stream().map(Invocation::new));
  }

  /// A file that cannot be used, as a test that fails.
  private record Broken(ScenarioFiles.Broken broken)
      implements TestTemplateInvocationContext, BeforeEachCallback, ParameterResolver {

    @Override
    public String getDisplayName(int index) {
      return broken.file();
    }

    @Override
    public List<Extension> getAdditionalExtensions() {
      return List.of(this);
    }

    @Override
    public void beforeEach(ExtensionContext context) {
      throw new AssertionError(broken.message());
    }

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
      return parameter.getParameter().getType().equals(Scenario.class);
    }

    /// Not asked for, because the test fails before.
    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
      throw new ParameterResolutionException(broken.message());
    }
  }

  /// One scenario as a test.
  private record Invocation(Scenario scenario)
      implements TestTemplateInvocationContext, ParameterResolver {

    @Override
    public String getDisplayName(int index) {
      return scenario.name() + ": " + scenario.title();
    }

    @Override
    public List<Extension> getAdditionalExtensions() {
      return List.of(this);
    }

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
      return parameter.getParameter().getType().equals(Scenario.class);
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
      return scenario;
    }
  }
}
