package io.vpasid.vmm.iommufd.simulated;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.testing.Seeds;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PasidTableTest {

  @ParameterizedTest
  @ValueSource(ints = {10, 12, 20, 31})
  void behavesAsASortedMap(int bits) {
    Seeds.forAll(
        10,
        seed -> {
          Random random = new Random(seed);
          PasidTable table = new PasidTable();
          TreeMap<Integer, Integer> model = new TreeMap<>();
          for (int step = 0; step < 2_000; step++) {
            int pasid = random.nextInt() >>> 1 >>> (31 - bits);
            int id = random.nextInt(3);
            table.set(pasid, id);
            model.put(pasid, id);
            model.values().removeIf(value -> value == 0 && id == 0);
            int from = random.nextInt() >>> 1 >>> (31 - bits);

            assertThat(table.get(pasid)).isEqualTo(id);
            assertThat(table.get(from)).isEqualTo(model.getOrDefault(from, 0));
            assertThat(table.size()).isEqualTo(model.size());
            Integer next = model.ceilingKey(from);
            assertThat(table.next(from)).isEqualTo(next == null ? -1 : next);
            if (model.size() > 100) {
              model.keySet().forEach(key -> table.set(key, 0));
              model.clear();
            }
          }
        });
  }

  @Test
  void highestPasidIsFound() {
    PasidTable table = new PasidTable();
    table.set(Integer.MAX_VALUE, 5);

    assertThat(table.next(0)).isEqualTo(Integer.MAX_VALUE);
    assertThat(table.get(Integer.MAX_VALUE)).isEqualTo(5);
    assertThat(table.next(1 << 20)).isEqualTo(Integer.MAX_VALUE);
  }

  @Test
  void clearingWhatIsNotThereNeedsNoRoom() {
    PasidTable table = new PasidTable();
    table.set(Integer.MAX_VALUE, 0);

    assertThat(table.size()).isZero();
    assertThat(table.next(0)).isEqualTo(-1);
  }
}
