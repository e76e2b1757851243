package io.vpasid.guest.vfiouser;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.util.ResourceLeakDetector;
import io.vpasid.testing.Seeds;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Frames that nobody designed: whatever comes, it is answered or the connection closed, and no
/// buffer is lost. `-Dvpasid.fuzz.frames=N` takes another number of frames.
class RandomFramesTest {
  /// Half a million with each seed, as long as no other number is asked for.
  private static final int FRAMES = Integer.getInteger("vpasid.fuzz.frames", 500_000);

  private final ResourceLeakDetector.Level levelBefore = ResourceLeakDetector.getLevel();
  private final Logger leakLog = Logger.getLogger(ResourceLeakDetector.class.getName());
  private final LeakReports reports = new LeakReports();

  private static final class LeakReports extends Handler {
    private final List<String> messages = new ArrayList<>();

    @Override
    public void publish(LogRecord record) {
      messages.add(record.getMessage());
    }

    @Override
    public void flush() {}

    @Override
    public void close() {}
  }

  @BeforeEach
  void watchForLeaks() {
    ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.PARANOID);
    leakLog.addHandler(reports);
  }

  @AfterEach
  void stopWatching() {
    ResourceLeakDetector.setLevel(levelBefore);
    leakLog.removeHandler(reports);
  }

  static LongStream seeds() {
    return Seeds.all(1);
  }

  /// On a thread of its own, whose short stack makes the leak detector's traces cheap.
  @ParameterizedTest
  @MethodSource("seeds")
  void everyFrameIsAnsweredOrEndsTheConnectionAndNoBufferIsLost(long seed) {
    FramesTarget.Run run =
        CompletableFuture.supplyAsync(
                () -> FramesTarget.run(new Random(seed), FRAMES), r -> new Thread(r).start())
            .join();

    assertThat(run.answered()).as("replies with seed %d", seed).isGreaterThan(FRAMES / 4);
    assertThat(run.ended()).as("connections ended with seed %d", seed).isBetween(100, FRAMES);
    assertThat(run.calls()).contains("connected", "disconnected", "reset");
    assertThat(FramesTarget.buffersInUse()).as("buffers lost with seed %d", seed).isZero();
    System.gc();
    FramesTarget.reportLeaks();
    assertThat(reports.messages).isEmpty();
  }
}
