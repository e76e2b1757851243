package io.vpasid.it.realkernel;

import java.lang.reflect.Method;
import java.util.Objects;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.InvocationInterceptor;
import org.junit.jupiter.api.extension.ReflectiveInvocationContext;

/// On the host, stands in for what a class annotated with [InRealKernel] does: it runs as a whole
/// in a machine, as [GuestSchedule] has it, and each test gets the result that it had there. In the
/// guest it does nothing.
final class GuestExecution implements BeforeAllCallback, AfterAllCallback, InvocationInterceptor {
  private static final Namespace NAMESPACE = Namespace.create(GuestExecution.class);
  static final boolean IN_GUEST = Boolean.getBoolean(GuestMain.IN_GUEST);

  @Override
  public void beforeAll(ExtensionContext context) {
    // A nested class runs in the machine of the one around it.
    if (!IN_GUEST && !isNested(context)) {
      GuestReports reports = GuestSchedule.of(context.getRequiredTestClass());
      context.getStore(NAMESPACE).put(GuestReports.class, reports);
    }
  }

  @Override
  public void afterAll(ExtensionContext context) throws InterruptedException {
    if (!IN_GUEST && !isNested(context)) {
      reports(context).awaitEnd();
    }
  }

  @Override
  public void interceptTestMethod(
      Invocation<Void> invocation,
      ReflectiveInvocationContext<Method> method,
      ExtensionContext context)
      throws Throwable {
    awaitInstead(invocation, context);
  }

  @Override
  public void interceptTestTemplateMethod(
      Invocation<Void> invocation,
      ReflectiveInvocationContext<Method> method,
      ExtensionContext context)
      throws Throwable {
    awaitInstead(invocation, context);
  }

  /// The guest has found the dynamic tests and run them; here they are again by name, each waiting
  /// for its result.
  @Override
  @SuppressWarnings("unchecked") // What a factory may return is any of a few types, by contract.
  public <T> T interceptTestFactoryMethod(
      Invocation<T> invocation,
      ReflectiveInvocationContext<Method> method,
      ExtensionContext context)
      throws Throwable {
    if (IN_GUEST) {
      return invocation.proceed();
    }
    invocation.skip();
    GuestReports reports = reports(context);
    reports.await(context.getUniqueId());
    return (T) reports.children(context.getUniqueId());
  }

  @Override
  public void interceptBeforeAllMethod(
      Invocation<Void> invocation,
      ReflectiveInvocationContext<Method> method,
      ExtensionContext context)
      throws Throwable {
    skip(invocation);
  }

  @Override
  public void interceptBeforeEachMethod(
      Invocation<Void> invocation,
      ReflectiveInvocationContext<Method> method,
      ExtensionContext context)
      throws Throwable {
    skip(invocation);
  }

  @Override
  public void interceptAfterEachMethod(
      Invocation<Void> invocation,
      ReflectiveInvocationContext<Method> method,
      ExtensionContext context)
      throws Throwable {
    skip(invocation);
  }

  @Override
  public void interceptAfterAllMethod(
      Invocation<Void> invocation,
      ReflectiveInvocationContext<Method> method,
      ExtensionContext context)
      throws Throwable {
    skip(invocation);
  }

  private static void awaitInstead(Invocation<Void> invocation, ExtensionContext context)
      throws Throwable {
    skip(invocation);
    if (!IN_GUEST) {
      reports(context).await(context.getUniqueId());
    }
  }

  /// Leaves to the guest what is the guest's.
  private static void skip(Invocation<Void> invocation) throws Throwable {
    if (IN_GUEST) {
      invocation.proceed();
    } else {
      invocation.skip();
    }
  }

  private static GuestReports reports(ExtensionContext context) {
    return Objects.requireNonNull(
        context.getStore(NAMESPACE).get(GuestReports.class, GuestReports.class), "no machine");
  }

  private static boolean isNested(ExtensionContext context) {
    return context.getRequiredTestClass().isAnnotationPresent(Nested.class);
  }
}
