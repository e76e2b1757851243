package io.vpasid.guest.scenario.junit;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.TestTemplate;
import org.junit.jupiter.api.extension.ExtendWith;

/// Lets a test method run once for each scenario of files and folders.
///
/// The method takes the [Scenario][io.vpasid.guest.scenario.Scenario] as its only parameter and
/// decides what it runs on:
///
/// ```java
/// class OurVmmTest {
///   @ScenarioTest("src/test/scenarios")
///   void holds(Scenario scenario) {
///     scenario.run(1, OurMachine::new).requirePassed();
///   }
/// }
/// ```
///
/// A file that cannot be used is a test that fails, with the line and what to do; the scenarios of
/// the others run. A project that uses this has JUnit Jupiter 5 among its own test dependencies.
@Documented
@Target({ElementType.METHOD, ElementType.ANNOTATION_TYPE})
@Retention(RetentionPolicy.RUNTIME)
@TestTemplate
@ExtendWith(ScenarioInvocations.class)
public @interface ScenarioTest {
  /// Files and folders, relative to the directory in which the tests run: with Maven that of the
  /// module.
  String[] value();

  /// Only scenarios whose name contains this.
  String filter() default "";
}
