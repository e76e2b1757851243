package io.vpasid.guest.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.guest.vfiouser.VfioUserDevice;
import java.lang.reflect.Method;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class WatchedDeviceTest {

  /// A method of the interface that has a default would not reach the device behind.
  @Test
  void everyMethodOfADeviceIsPassedOn() throws NoSuchMethodException {
    for (Method method : VfioUserDevice.class.getMethods()) {
      assertThat(Arrays.stream(WatchedDevice.class.getDeclaredMethods()).map(Method::getName))
          .as(method.toString())
          .contains(method.getName());
      assertThat(WatchedDevice.class.getMethod(method.getName(), method.getParameterTypes()))
          .extracting(Method::getDeclaringClass)
          .isEqualTo(WatchedDevice.class);
    }
  }
}
