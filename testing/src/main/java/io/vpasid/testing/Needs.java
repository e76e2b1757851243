package io.vpasid.testing;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.lang.reflect.AnnotatedElement;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.platform.commons.support.AnnotationSupport;

/// What the test, or every test of the class, needs of the machine beside a JDK. Where something is
/// missing it is skipped, with the first [Need] that is not met as the reason.
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
@Documented
@Inherited
@ExtendWith(Needs.Condition.class)
public @interface Needs {
  /// All that it needs.
  Need[] value();

  /// Asks the machine, before the class or the method and the source of its arguments.
  final class Condition implements ExecutionCondition {
    /// The first need of a class or method that this machine does not meet; empty if it meets all.
    public static Optional<Need> unmet(AnnotatedElement element) {
      return AnnotationSupport.findAnnotation(element, Needs.class).stream()
          .flatMap(needs -> Stream.of(needs.value()))
          .filter(need -> !need.isMet())
          .findFirst();
    }

    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
      return context
          .getElement()
          .flatMap(Condition::unmet)
          .map(need -> ConditionEvaluationResult.disabled(need.toString()))
          .orElseGet(() -> ConditionEvaluationResult.enabled(""));
    }
  }
}
