using System.Buffers;
using System.Text;
using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Exporters;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Sequent.Bus.Delivering;
using Sequent.Bus.Publishing;
using Sequent.Bus.Storage;
using Sequent.Protocol;

namespace Sequent.Benchmarks;

/// <summary>The steps that every event goes through, one at a time, by BenchmarkDotNet: events of 256 bytes of data under 1,000 keys.</summary>
[MemoryDiagnoser(displayGenColumns: false)]
public class HotPaths
{
    private const int Events = 1_000;

    private static readonly Producer Producer = new(17_446_744_073_709_551_615, "V4(127.0.0.1:45837)");
    private static readonly IReadOnlyDictionary<Guid, StoredPlace> NothingStored = new Dictionary<Guid, StoredPlace>();

    private readonly ArrayBufferWriter<byte> _output = new(1024 * 1024);
    private byte[] _data = [];
    private byte[] _v1 = [];
    private byte[] _v2 = [];
    private byte[] _page = [];
    private byte[] _body = [];
    private StoredEvent _stored = null!;
    private NewMessage _message = null!;
    private ReceiptMessage _receipt = null!;
    private PublishRequest[] _requests = [];
    private SequenceTable _table = null!;

    public static void Run()
    {
        var config = ManualConfig.CreateEmpty()
            .WithArtifactsPath(Path.Combine(Path.GetTempPath(), "sequent-benchmarks"))
            .AddJob(Job.Default.WithToolchain(InProcessEmitToolchain.DontLogOutput).WithWarmupCount(5).WithIterationCount(10))
            .AddColumnProvider(DefaultColumnProviders.Metrics)
            .AddColumn(TargetMethodColumn.Method, StatisticColumn.Median, StatisticColumn.Min)
            .AddLogger(NullLogger.Instance);
        var summary = BenchmarkRunner.Run<HotPaths>(config);
        Console.WriteLine("## The steps of an event");
        Console.WriteLine();
        Console.WriteLine("Per event, or per message of one event; 256 bytes of data, one of 1,000 keys.");
        Console.WriteLine();
        var table = new AccumulationLogger();
        MarkdownExporter.GitHub.ExportToLog(summary, table);
        Console.WriteLine(table.GetLog().Replace("&#39;", "", StringComparison.Ordinal));
    }

    [GlobalSetup]
    public void Prepare()
    {
        _data = Encoding.UTF8.GetBytes($$"""{"amount":"12.50","since":1764000000000000,"pad":"{{new string('x', 200)}}"}""");
        var e = new NewEvent("key-17", null, 1, "measured", _data) { EventId = Guid.CreateVersion7() };
        _v1 = Encoding.UTF8.GetBytes($$"""{"message_type":"new","events":[{"consistency":{"key":"key-17","value":3},"correlation_id":1,"event_type":"measured","data":{{Encoding.UTF8.GetString(_data)}}}]}""");
        _message = new NewMessage([e]) { RequestId = "p-1" };
        _v2 = Printed(o => ClientMessageWriter.Write(_message, o));
        _receipt = new ReceiptMessage([new ReceiptEntry(ReceiptStatus.Success) { Key = "key-17", Value = 3, Position = 1_000_000, EventId = e.EventId }], Producer.Sender, "Thu,  1 Mar 2018 09:05:03 +0000") { RequestId = "p-1" };
        _stored = Stored(e);
        _body = _stored.V2Body(TimeZoneInfo.Utc).ToArray();
        _page = Printed(o =>
        {
            BusMessageWriter.BeginRebuild("q-1", o);
            for (var i = 0; i < Events; i++)
            {
                if (i > 0)
                    o.Write(","u8);
                EventWriter.CloseBody(o, _body);
            }

            BusMessageWriter.EndRebuild(Events, true, o);
        });
        _requests = [.. Enumerable.Range(0, Events).Select(i => new PublishRequest(new NewMessage([new NewEvent($"key-{i}", null, 1, "measured", _data) { EventId = Guid.CreateVersion7() }]), Producer, ProtocolVersion.V2, static (_, _) => { }))];
        _table = new SequenceTable();
        for (var i = 0; i < Events; i++)
            _table.Restore($"key-{i}", new KeyEnd(1, i + 1));
    }

    [Benchmark(Description = "read a new (v1)")]
    public ClientMessage ReadNewV1() => ClientMessageReader.Read(_v1, ProtocolVersion.V1);

    [Benchmark(Description = "read a new (v2)")]
    public ClientMessage ReadNewV2() => ClientMessageReader.Read(_v2, ProtocolVersion.V2);

    [Benchmark(Description = "canonical checksum")]
    public string ComputeChecksum() => Checksum.Compute(_data);

    [Benchmark(Description = "decide", OperationsPerInvoke = Events)]
    public long Decide()
    {
        var batch = _table.Open(1);
        foreach (var request in _requests)
            batch.Decide(request, NothingStored);
        return batch.Events.Count;
    }

    [Benchmark(Description = "print a receipt")]
    public int WriteReceipt()
    {
        _output.ResetWrittenCount();
        BusMessageWriter.Write(_receipt, _output);
        return _output.WrittenCount;
    }

    [Benchmark(Description = "print an event (v2), for all sessions")]
    public int WriteBody()
    {
        _output.ResetWrittenCount();
        EventWriter.WriteBody(_stored.ToWire(), TimeZoneInfo.Utc, _output);
        return _output.WrittenCount;
    }

    [Benchmark(Description = "finish an event (v2), for one session")]
    public int AppendDelivery()
    {
        _output.ResetWrittenCount();
        EventWriter.AppendDelivery(_output, _body, 1_000, 1, false, false);
        return _output.WrittenCount;
    }

    [Benchmark(Description = "hand out and settle", OperationsPerInvoke = Events)]
    public long HandOut()
    {
        var queue = new ClientTypeQueue(new ClientTypeRecord("accounts", 0, [], []), new DeliveryLimits(), 0);
        var outbox = new Nowhere();
        var instance = new Instance(outbox, Bus.Delivering.TypeFilter.All, Events, 16, 0);
        queue.Join(instance);
        for (var i = 0; i < Events; i++)
        {
            queue.Offer(new EventHeader(i + 1, _requests[i].Message.Events[0].Key, 1, "measured"));
            queue.Ack(instance, [outbox.Last]);
        }

        return queue.Settled;
    }

    [Benchmark(Description = "client: print a new")]
    public int WriteNew()
    {
        _output.ResetWrittenCount();
        ClientMessageWriter.Write(_message, _output);
        return _output.WrittenCount;
    }

    [Benchmark(Description = "client: read an event of a page", OperationsPerInvoke = Events)]
    public BusMessage? ReadPage() => BusMessageReader.Read(_page);

    private static StoredEvent Stored(NewEvent e) => new()
    {
        Position = 1_000_000,
        Key = e.Key,
        Value = 3,
        Previous = 999_000,
        EventType = e.EventType,
        CorrelationId = e.CorrelationId,
        Data = e.Data,
        Producer = Producer,
        TimeMicros = 1_764_000_000_123_456,
        EventId = e.EventId,
    };

    private static byte[] Printed(Action<ArrayBufferWriter<byte>> print)
    {
        var output = new ArrayBufferWriter<byte>();
        print(output);
        return output.WrittenSpan.ToArray();
    }

    private sealed class Nowhere : IDeliveryOutbox
    {
        public long Last { get; private set; }

        public void Deliver(Handover handover) => Last = handover.Delivery;

        public void Revoke(IReadOnlyList<long> deliveries)
        {
        }
    }
}
