using Sequent.Bus.Storage;
using Sequent.Client;
using Sequent.Client.Events;

namespace Sequent.Testing.Running;

/// <summary>Reads events with the types of whichever client knows them; the first one is that of the test bus itself.</summary>
internal sealed class KnownEvents
{
    private readonly Lock _lock = new();
    private readonly List<SequentOptions> _clients = [];
    private readonly List<EventMapper> _mappers = [];

    /// <summary>What a client knows, now and later; who came first has precedence.</summary>
    public void Add(SequentOptions client)
    {
        lock (_lock)
        {
            _clients.Add(client);
            _mappers.Add(new EventMapper(client.Events, client.Json));
        }
    }

    /// <summary>Reads data as the type that somebody knows for it, if anybody does.</summary>
    public RecordedEvent Read(StoredEvent e)
    {
        lock (_lock)
            return _mappers[Math.Max(0, _clients.FindIndex(c => c.Events.Find(e.EventType) is not null))].ToRecorded(e.ToWire());
    }

    /// <summary>Reads data of one type, which nobody has to know, as the test bus itself does.</summary>
    public Reader<TEvent> For<TEvent>()
    {
        lock (_lock)
            return new Reader<TEvent>(_clients[0]);
    }

    /// <summary>Reads data of one type.</summary>
    internal sealed class Reader<TEvent>
    {
        private readonly EventMapper _mapper;

        public Reader(SequentOptions client)
        {
            var only = new EventCatalog();
            EventType = only.Map(typeof(TEvent)).Name;
            _mapper = new EventMapper(only, client.Json);
        }

        /// <summary>The name on the wire.</summary>
        public string EventType { get; }

        public TEvent Read(StoredEvent e) => (TEvent)_mapper.ToRecorded(e.ToWire()).Data;
    }
}
