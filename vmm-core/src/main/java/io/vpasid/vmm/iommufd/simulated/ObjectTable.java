package io.vpasid.vmm.iommufd.simulated;

import io.vpasid.vmm.linux.Errno;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The objects of one context by id: lowest free id first, from 1.
final class ObjectTable {
  private final BitSet taken = new BitSet();
  private @Nullable KernelObject[] objects = new @Nullable KernelObject[16];

  ObjectTable() {
    taken.set(0);
  }

  /// Takes the id that the next object gets.
  int reserve() {
    int id = taken.nextClearBit(1);
    taken.set(id);
    if (id >= objects.length) {
      objects = Arrays.copyOf(objects, objects.length * 2);
    }
    return id;
  }

  /// Makes an object be found by its reserved id.
  void publish(KernelObject object) {
    objects[object.id] = object;
  }

  /// Gives an object's id back.
  void remove(int id) {
    objects[id] = null;
    taken.clear(id);
  }

  /// Makes an object not be found any more, but keeps its id.
  void bury(int id) {
    objects[id] = null;
  }

  /// @throws KernelError ENOENT
  KernelObject get(int id) {
    KernelObject object = id > 0 && id < objects.length ? objects[id] : null;
    if (object == null) {
      throw new KernelError(Errno.ENOENT);
    }
    return object;
  }

  /// @throws KernelError ENOENT, also if it is of another kind
  <T extends KernelObject> T get(int id, Class<T> kind) {
    KernelObject object = get(id);
    if (!kind.isInstance(object)) {
      throw new KernelError(Errno.ENOENT);
    }
    return kind.cast(object);
  }

  List<KernelObject> all() {
    List<KernelObject> all = new ArrayList<>();
    for (KernelObject object : objects) {
      if (object != null) {
        all.add(object);
      }
    }
    return all;
  }
}
