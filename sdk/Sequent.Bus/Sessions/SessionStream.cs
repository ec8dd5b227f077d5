using System.Buffers;

namespace Sequent.Bus.Sessions;

/// <summary>
/// The connection below a session's WebSocket: its many small frames come and go as few large pieces. What has arrived is read at once and handed out by
/// the frame; what is written while <see cref="Gather"/> is on leaves together with <see cref="SendGatheredAsync"/>.
/// </summary>
internal sealed class SessionStream(Stream inner) : Stream
{
    /// <summary>What is read at once. An idle session holds no buffer.</summary>
    private const int ReadBytes = 16 * 1024;

    /// <summary>What is gathered at most; then it leaves.</summary>
    private const int GatherBytes = 32 * 1024;

    // One of the WebSocket's own frames (a pong, a ping) may come between those of the session.
    private readonly SemaphoreSlim _writing = new(1);
    private volatile bool _isGathering;
    private byte[]? _gathered;
    private int _gatheredLength;
    private byte[]? _read;
    private int _readFrom;
    private int _readTo;

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Something has arrived that was not handed out yet.</summary>
    public bool HasReadAhead => _read is not null;

    /// <summary>What is written from now on may wait for <see cref="SendGatheredAsync"/>, which has to follow.</summary>
    public void Gather() => _isGathering = true;

    /// <summary>Sends what was gathered; from now on everything leaves at once.</summary>
    public async ValueTask SendGatheredAsync(CancellationToken cancellationToken)
    {
        await _writing.WaitAsync(cancellationToken);
        try
        {
            _isGathering = false;
            await WriteGatheredAsync(cancellationToken);
        }
        finally
        {
            _writing.Release();
        }
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_read is not null)
            return new(TakeRead(buffer.Span));

        // A read of no bytes only waits for some.
        return buffer.Length is 0 or >= ReadBytes ? inner.ReadAsync(buffer, cancellationToken) : ReadAheadAsync(buffer, cancellationToken);
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        // Mostly it is gathered, and nobody else writes.
        if (!_isGathering || !_writing.Wait(0, CancellationToken.None))
            return WriteInTurnAsync(buffer, cancellationToken);
        var isGathered = TryGather(buffer.Span);
        _writing.Release();
        return isGathered ? default : WriteInTurnAsync(buffer, cancellationToken);
    }

    // The web server sends what is written without being asked.
    public override void Flush()
    {
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    // Its buffers are left to the garbage collector: a read or a write that is under way may still use them.
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            inner.Dispose();
        base.Dispose(disposing);
    }

    private async ValueTask<int> ReadAheadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var read = ArrayPool<byte>.Shared.Rent(ReadBytes);
        var length = await inner.ReadAsync(read.AsMemory(0, ReadBytes), cancellationToken);
        if (length == 0)
        {
            ArrayPool<byte>.Shared.Return(read);
            return 0;
        }

        (_read, _readFrom, _readTo) = (read, 0, length);
        return TakeRead(buffer.Span);
    }

    private int TakeRead(Span<byte> buffer)
    {
        var length = Math.Min(buffer.Length, _readTo - _readFrom);
        _read.AsSpan(_readFrom, length).CopyTo(buffer);
        _readFrom += length;
        if (_readFrom == _readTo)
        {
            ArrayPool<byte>.Shared.Return(_read!);
            _read = null;
        }

        return length;
    }

    private async ValueTask WriteInTurnAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken)
    {
        await _writing.WaitAsync(cancellationToken);
        try
        {
            if (TryGather(buffer.Span))
                return;
            await WriteGatheredAsync(cancellationToken);
            if (!TryGather(buffer.Span))
                await inner.WriteAsync(buffer, cancellationToken);
        }
        finally
        {
            _writing.Release();
        }
    }

    private bool TryGather(ReadOnlySpan<byte> buffer)
    {
        if (!_isGathering || _gatheredLength + buffer.Length > GatherBytes)
            return false;
        _gathered ??= ArrayPool<byte>.Shared.Rent(GatherBytes);
        buffer.CopyTo(_gathered.AsSpan(_gatheredLength));
        _gatheredLength += buffer.Length;
        return true;
    }

    private async ValueTask WriteGatheredAsync(CancellationToken cancellationToken)
    {
        if (_gathered is not { } gathered)
            return;

        // Taken before it is written, so that it is never written twice.
        var length = _gatheredLength;
        (_gathered, _gatheredLength) = (null, 0);
        await inner.WriteAsync(gathered.AsMemory(0, length), cancellationToken);
        ArrayPool<byte>.Shared.Return(gathered);
    }
}
