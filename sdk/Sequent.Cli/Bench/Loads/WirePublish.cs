using System.Buffers;
using System.Globalization;
using System.Text;
using Sequent.Protocol;

namespace Sequent.Cli.Bench.Loads;

/// <summary>Publishes over WebSockets by hand, with explicit values: every event is a compare-and-append.</summary>
/// <param name="plan">Wire, keys, window.</param>
/// <param name="mark">What every answer contains.</param>
internal sealed class WirePublish(BenchPlan plan, string mark = "\"status\":\"success\"") : ILoad
{
    private readonly List<FramePipe> _pipes = [];
    private readonly byte[] _mark = Encoding.UTF8.GetBytes(mark);
    private readonly byte[] _data = Encoding.UTF8.GetBytes($"\"{new string('x', Math.Max(0, plan.Size - 2))}\"");

    public async Task PrepareAsync(Uri bus, CancellationToken cancellationToken)
    {
        for (var i = 0; i < plan.Connections; i++)
        {
            var pipe = await FramePipe.ConnectAsync(bus, plan.Wire == Wire.V2 ? WireNames.Subprotocol : null, cancellationToken);
            _pipes.Add(pipe);
            if (plan.Wire == Wire.V2)
                await pipe.ReceiveMessageAsync(); // hello
        }
    }

    /// <summary>Each connection has keys of its own, so that it knows the values that are due.</summary>
    public Task RunAsync(Meter meter, CancellationToken stop)
    {
        var window = Math.Max(1, plan.Window / _pipes.Count);
        return Task.WhenAll(_pipes.Select(pipe => Task.Run(() =>
        {
            var frames = new Frames(new KeyChooser(Math.Max(1, plan.Keys / _pipes.Count), plan.Zipf), _data, plan);
            return pipe.RunAsync(window, frames.Write, _mark, plan.Batch, meter, stop);
        }, CancellationToken.None)));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var pipe in _pipes)
            await pipe.DisposeAsync();
    }

    /// <summary>Writes the messages of one connection.</summary>
    private sealed class Frames(KeyChooser keys, byte[] data, BenchPlan plan)
    {
        private readonly byte[][] _keys = [.. Enumerable.Range(0, keys.Count).Select(i => Encoding.UTF8.GetBytes(keys[i]))];
        private readonly uint[] _values = new uint[keys.Count];

        public void Write(IBufferWriter<byte> frame)
        {
            frame.Write("{\"message_type\":\"new\",\"events\":["u8);
            for (var i = 0; i < plan.Batch; i++)
            {
                if (i > 0)
                    frame.Write(","u8);
                var key = keys.NextIndex();
                frame.Write("{\"consistency\":{\"key\":\""u8);
                frame.Write(_keys[key]);
                frame.Write("\",\"value\":"u8);
                Write(frame, _values[key]++);
                frame.Write("},\"correlation_id\":1,\"event_type\":\"measured\""u8);
                if (plan.Wire == Wire.V2)
                    WriteId(frame);
                frame.Write(",\"data\":"u8);
                frame.Write(data);
                frame.Write("}"u8);
            }

            frame.Write("]}"u8);
        }

        private static void Write(IBufferWriter<byte> frame, uint value)
        {
            value.TryFormat(frame.GetSpan(10), out var written, provider: CultureInfo.InvariantCulture);
            frame.Advance(written);
        }

        private static void WriteId(IBufferWriter<byte> frame)
        {
            frame.Write(",\"event_id\":\""u8);
            Guid.CreateVersion7().TryFormat(frame.GetSpan(36), out var written);
            frame.Advance(written);
            frame.Write("\""u8);
        }
    }
}
