package io.vpasid.pci.dump;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.testing.Need;
import io.vpasid.testing.Needs;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class CorpusDumpsTest {
  @Needs(Need.CAPTURES)
  @ParameterizedTest
  @MethodSource("io.vpasid.pci.dump.Corpus#entries")
  void everyCapturedFileHasTheFunctionsThatItsIndexNames(Corpus.Entry entry) {
    List<HostFunction> functions = Dumps.read(entry.file());

    assertThat(functions).hasSize(entry.functions());
    assertThat(functions)
        .allSatisfy(function -> {
          assertThat(function.config().size()).isEqualTo(entry.configBytes());
          assertThat(function.description()).contains(function.config().id().toString());
          assertThat(function.source()).isEqualTo(entry.file().toString());
        });
  }
}
