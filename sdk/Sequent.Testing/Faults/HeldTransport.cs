using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;

namespace Sequent.Testing.Faults;

/// <summary>
/// The bytes of one connection, both ways. While its group is held none of them passes, the pings of keep-alive included, as if the peer's process
/// were stopped: what the bus sends meanwhile is buffered as the kernel would, and afterwards everything goes on in order.
/// </summary>
internal sealed class HeldTransport : IDuplexPipe
{
    /// <summary>About what the kernel buffers for a process that does not read; then the sender waits.</summary>
    private const int BufferBytes = 1024 * 1024;

    private readonly Pipe _fromPeer = new(NewOptions());
    private readonly Pipe _toPeer = new(NewOptions());
    private volatile LinkGroup? _group;

    public PipeReader Input => _fromPeer.Reader;

    public PipeWriter Output => _toPeer.Writer;

    /// <summary>Serves a connection of the web server through such a transport.</summary>
    public static async Task ServeAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        var (real, held) = (connection.Transport, new HeldTransport());
        (connection.Transport, var closed) = (held, connection.ConnectionClosed);
        connection.Features.Set(held);
        var receiving = held.PassOnAsync(real.Input, held._fromPeer.Writer, closed);
        var sending = held.PassOnAsync(held._toPeer.Reader, real.Output, closed);
        try
        {
            await next(connection).ConfigureAwait(false);
        }
        finally
        {
            // What was sent last still has to leave; what comes is of no interest any more.
            await held.Output.CompleteAsync().ConfigureAwait(false);
            await held.Input.CompleteAsync().ConfigureAwait(false);
            await sending.ConfigureAwait(false);
            real.Input.CancelPendingRead();
            await receiving.ConfigureAwait(false);
            connection.Transport = real;
        }
    }

    /// <summary>It turned out whose connection it is.</summary>
    public void Join(LinkGroup group) => _group = group;

    /// <param name="from">Where the bytes come from.</param>
    /// <param name="to">Where they go.</param>
    /// <param name="closed">Cancelled when the connection is gone, with which what is held is lost.</param>
    private async Task PassOnAsync(PipeReader from, PipeWriter to, CancellationToken closed)
    {
        Exception? fault = null;
        try
        {
            for (var isOver = false; !isOver;)
            {
                var read = await from.ReadAsync(CancellationToken.None).ConfigureAwait(false);
                if (_group is { } group)
                    await group.Gate.PassAsync(closed).ConfigureAwait(false);
                foreach (var part in read.Buffer)
                    to.Write(part.Span);
                from.AdvanceTo(read.Buffer.End);
                var flushed = await to.FlushAsync(CancellationToken.None).ConfigureAwait(false);
                isOver = read.IsCompleted || read.IsCanceled || flushed.IsCompleted;
            }
        }
        catch (Exception e)
        {
            // The connection broke, or was cut while it was held.
            fault = e is OperationCanceledException ? new ConnectionAbortedException("The connection ended while it was held.", e) : e;
        }

        await to.CompleteAsync(fault).ConfigureAwait(false);
        await from.CompleteAsync(fault).ConfigureAwait(false);
    }

    private static PipeOptions NewOptions() => new(pauseWriterThreshold: BufferBytes, resumeWriterThreshold: BufferBytes / 2, useSynchronizationContext: false);
}
