package io.vpasid.guest.daemon;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Signals that the process gets, by way of the JDK's `sun.misc.Signal`.
///
/// There is no supported interface for signals: shutdown hooks see SIGTERM, but only when the exit
/// code is 143 already, and SIGHUP ends the process. The compiler warns of the type and cannot be
/// told not to, hence reflection.
public final class ProcessSignals {
  private static final Logger LOG = LoggerFactory.getLogger(ProcessSignals.class);

  private ProcessSignals() {}

  @SuppressWarnings("ReferenceEquality") // Of proxies there is nothing else to compare.
  private static boolean isSame(Object proxy, Object other) {
    return proxy == other;
  }

  /// Has something done for each signal, on a thread of the JVM's, in place of what the JVM does.
  ///
  /// @param name without `SIG`, as in `HUP`
  /// @return whether it will be: false if the JVM keeps the signal for itself
  public static boolean handle(String name, Runnable action) {
    try {
      Class<?> signal = Class.forName("sun.misc.Signal");
      Class<?> handler = Class.forName("sun.misc.SignalHandler");
      InvocationHandler calls =
          (proxy, method, arguments) ->
              switch (method.getName()) {
                case "handle" -> {
                  action.run();
                  yield null;
                }
                case "equals" -> isSame(proxy, arguments[0]);
                case "hashCode" -> System.identityHashCode(proxy);
                default -> name;
              };
      signal
          .getMethod("handle", signal, handler)
          .invoke(
              null,
              signal.getConstructor(String.class).newInstance(name),
              Proxy.newProxyInstance(handler.getClassLoader(), new Class<?>[] {handler}, calls));
      return true;
    } catch (ReflectiveOperationException e) {
      LOG.warn("SIG{} is left to the JVM.", name, e);
      return false;
    }
  }
}
