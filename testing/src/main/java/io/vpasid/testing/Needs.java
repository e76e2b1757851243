package io.vpasid.testing;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
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
    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
      Needs needs =
          AnnotationSupport.findAnnotation(context.getElement(), Needs.class).orElse(null);
      if (needs != null) {
        for (Need need : needs.value()) {
          if (!need.isMet()) {
            return ConditionEvaluationResult.disabled(need.toString());
          }
        }
      }
      return ConditionEvaluationResult.enabled("");
    }
  }
}
