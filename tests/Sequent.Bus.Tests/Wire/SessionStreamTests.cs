using System.IO.Pipelines;
using Sequent.Bus.Sessions;

namespace Sequent.Bus.Tests.Wire;

/// <summary>The stream below a session: bytes come and go unchanged, in fewer pieces, and nothing waits for ever.</summary>
internal sealed class SessionStreamTests
{
    private readonly Recording _inner = new();
    private SessionStream _stream = null!;

    [SetUp]
    public void NewStream()
    {
        _inner.Reset();
        _stream = new SessionStream(_inner);
    }

    [TearDown]
    public void CloseStream() => _stream.Dispose();

    [Test]
    public async Task What_is_gathered_leaves_as_one_piece_and_in_order()
    {
        _stream.Gather();
        await _stream.WriteAsync(Bytes(1, 10));
        await _stream.WriteAsync(Bytes(2, 20));
        Assert.That(_inner.Written, Is.Empty);

        await _stream.SendGatheredAsync(default);

        Assert.That(_inner.Written, Is.EqualTo(new[] { (byte[])[.. Bytes(1, 10), .. Bytes(2, 20)] }));
    }

    [Test]
    public async Task After_that_everything_leaves_at_once()
    {
        _stream.Gather();
        await _stream.SendGatheredAsync(default);

        await _stream.WriteAsync(Bytes(1, 10));

        Assert.That(_inner.Written, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task What_is_too_much_to_gather_leaves_in_its_order()
    {
        _stream.Gather();
        await _stream.WriteAsync(Bytes(1, 20_000));
        await _stream.WriteAsync(Bytes(2, 20_000));
        Assert.That(_inner.Written.Select(w => (w[0], w.Length)), Is.EqualTo(new[] { ((byte)1, 20_000) }));

        await _stream.WriteAsync(Bytes(3, 100_000));
        await _stream.SendGatheredAsync(default);

        Assert.That(_inner.Written.Select(w => (w[0], w.Length)), Is.EqualTo(new[] { ((byte)1, 20_000), ((byte)2, 20_000), ((byte)3, 100_000) }));
    }

    [Test]
    public async Task A_frame_of_the_sockets_own_waits_for_the_one_that_is_on_its_way()
    {
        _inner.IsStuck = true;
        var first = _stream.WriteAsync(Bytes(1, 10)).AsTask();
        var pong = _stream.WriteAsync(Bytes(2, 2)).AsTask();
        Assert.That((first.IsCompleted, pong.IsCompleted), Is.EqualTo((false, false)));

        _inner.Unstick();
        await Task.WhenAll(first, pong).WaitAsync(TimeSpan.FromSeconds(10));

        Assert.That(_inner.Written.Select(w => w[0]), Is.EqualTo(new[] { 1, 2 }));
    }

    [Test]
    public void Waiting_for_it_ends_when_it_is_cancelled()
    {
        _inner.IsStuck = true;
        var first = _stream.WriteAsync(Bytes(1, 10)).AsTask();
        using var cancel = new CancellationTokenSource();
        var second = _stream.WriteAsync(Bytes(2, 10), cancel.Token).AsTask();

        cancel.Cancel();

        Assert.That(async () => await second.WaitAsync(TimeSpan.FromSeconds(10)), Throws.InstanceOf<OperationCanceledException>());
        _inner.Unstick();
        Assert.That(async () => await first.WaitAsync(TimeSpan.FromSeconds(10)), Throws.Nothing);
    }

    [Test]
    public async Task What_was_gathered_and_could_not_be_sent_is_not_sent_again()
    {
        _inner.IsStuck = true;
        _stream.Gather();
        await _stream.WriteAsync(Bytes(1, 10));
        using var cancel = new CancellationTokenSource();
        var sending = _stream.SendGatheredAsync(cancel.Token).AsTask();
        var pong = _stream.WriteAsync(Bytes(2, 2)).AsTask();

        await cancel.CancelAsync();
        Assert.That(async () => await sending.WaitAsync(TimeSpan.FromSeconds(10)), Throws.InstanceOf<OperationCanceledException>());
        _inner.Unstick();
        await pong.WaitAsync(TimeSpan.FromSeconds(10));

        Assert.That(_inner.Written.Select(w => w[0]), Is.EqualTo(new[] { 2 }));
    }

    [TestCase(1)]
    [TestCase(7)]
    [TestCase(16 * 1024)]
    [TestCase(50_000)]
    public async Task What_has_arrived_is_read_in_any_pieces(int piece)
    {
        var all = Enumerable.Range(0, 40_000).Select(i => (byte)(i * 31)).ToArray();
        await _inner.Incoming.Writer.WriteAsync(all);
        await _inner.Incoming.Writer.CompleteAsync();

        var read = new List<byte>();
        var buffer = new byte[piece];
        while (await _stream.ReadAsync(Memory<byte>.Empty) is 0 && await _stream.ReadAsync(buffer) is > 0 and var length)
            read.AddRange(buffer.AsSpan(0, length));

        Assert.That(read, Is.EqualTo(all));
    }

    [Test]
    public async Task A_read_of_no_bytes_waits_only_while_there_is_none()
    {
        var waiting = _stream.ReadAsync(Memory<byte>.Empty).AsTask();
        Assert.That(waiting.IsCompleted, Is.False);

        await _inner.Incoming.Writer.WriteAsync(Bytes(1, 3));
        await waiting.WaitAsync(TimeSpan.FromSeconds(10));
        await _stream.ReadExactlyAsync(new byte[1]);

        var again = _stream.ReadAsync(Memory<byte>.Empty).AsTask();
        Assert.That(again.IsCompleted, Is.True, "two more were read ahead");
    }

    private static byte[] Bytes(byte value, int count) => Enumerable.Repeat(value, count).ToArray();

    /// <summary>A connection that remembers what was written at once, and reads what a test has written for it.</summary>
    private sealed class Recording : Stream
    {
        private TaskCompletionSource _stuck = new();

        public Pipe Incoming { get; private set; } = new();

        public List<byte[]> Written { get; } = [];

        public bool IsStuck { get; set; }

        public override bool CanRead => true;

        public override bool CanWrite => true;

        public override bool CanSeek => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get; set; }

        public void Reset()
        {
            (IsStuck, _stuck, Incoming) = (false, new TaskCompletionSource(), new Pipe(new PipeOptions(pauseWriterThreshold: 0)));
            Written.Clear();
        }

        public void Unstick()
        {
            IsStuck = false;
            _stuck.SetResult();
        }

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (IsStuck)
                await _stuck.Task.WaitAsync(cancellationToken);
            Written.Add(buffer.ToArray());
        }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => Incoming.Reader.AsStream().ReadAsync(buffer, cancellationToken);

        public override void Flush() => throw new NotSupportedException();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
