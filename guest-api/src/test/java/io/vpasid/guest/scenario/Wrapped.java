package io.vpasid.guest.scenario;

import io.vpasid.guest.emulator.IommuPort;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.iommufd.simulated.Request;
import io.vpasid.vmm.linux.Errno;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.SortedMap;

/// A machine in this process that a test spoils.
abstract class Wrapped implements Machine {
  final Machine sound;

  Wrapped(Setup setup, int guest) {
    sound = Scenario.simulated().open(setup, guest);
  }

  @Override
  public int read(int offset, int width) {
    return sound.read(offset, width);
  }

  @Override
  public void write(int offset, int width, int value) {
    sound.write(offset, width, value);
  }

  @Override
  public Answer attach(Pasid pasid, String space) {
    return sound.attach(pasid, space);
  }

  @Override
  public Answer detach(Pasid pasid) {
    return sound.detach(pasid);
  }

  @Override
  public Answer reset() {
    return sound.reset();
  }

  @Override
  public void unplug() {
    sound.unplug();
  }

  @Override
  public SortedMap<Integer, String> attached() {
    return sound.attached();
  }

  @Override
  public SortedMap<Integer, String> attachedOnHost() {
    return sound.attachedOnHost();
  }

  @Override
  public List<Event> takeEvents() {
    return sound.takeEvents();
  }

  @Override
  public Optional<IommuPort> iommu() {
    return sound.iommu();
  }

  @Override
  public OptionalInt objectsOnHost() {
    return sound.objectsOnHost();
  }

  @Override
  public OptionalLong mappedOnHost(Pasid pasid) {
    return sound.mappedOnHost(pasid);
  }

  @Override
  public void fail(Request request, Errno errno, boolean every) {
    sound.fail(request, errno, every);
  }

  @Override
  public boolean failNth(int number, Errno errno) {
    return sound.failNth(number, errno);
  }

  @Override
  public void close() {
    sound.close();
  }
}
