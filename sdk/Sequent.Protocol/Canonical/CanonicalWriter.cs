using System.Buffers;
using System.Text.Json;

namespace Sequent.Protocol;

/// <summary>
/// One run of <see cref="CanonicalJson"/>. The text is printed as it is read; the members of an object are moved only when
/// the object ends and its names did not come in order.
/// </summary>
internal sealed class CanonicalWriter : IDisposable
{
    private static readonly SearchValues<byte> Escaped = SearchValues.Create(
        [.. Enumerable.Range(0, 0x20).Select(c => (byte)c), (byte)'"', (byte)'\\']);

    /// <summary>A text that grew beyond this is not kept for the next run.</summary>
    private const int KeptBytes = 64 * 1024;

    // For most events its lists cost more than its work.
    [ThreadStatic]
    private static CanonicalWriter? _spare;

    private readonly PooledList<byte> _text = new(1024);
    private readonly PooledList<byte> _scratch = new(256);

    // Of all open objects, innermost last. The names are kept unescaped, because that is how they are ordered.
    private readonly PooledList<byte> _names = new(256);
    private readonly PooledList<Member> _members = new(32);
    private readonly PooledList<OpenObject> _objects = new(8);

    private CanonicalWriter()
    {
    }

    /// <summary>A writer for one run.</summary>
    public static CanonicalWriter Take()
    {
        var writer = _spare ?? new CanonicalWriter();
        _spare = null;
        return writer;
    }

    /// <summary>Prints one JSON value. The result is valid until this writer is disposed; call it once.</summary>
    public ReadOnlySpan<byte> Run(ReadOnlySpan<byte> json)
    {
        var reader = StrictJson.Open(json, WireNames.MaxDepth);
        try
        {
            while (reader.Read())
            {
                StrictJson.RequireSoundToken(in reader);
                WriteToken(in reader);
            }
        }
        catch (JsonException e)
        {
            throw StrictJson.Fault(json, e);
        }

        return _text.Items;
    }

    /// <summary>Another run may use it.</summary>
    public void Dispose()
    {
        if (_spare is null && Math.Max(_text.Capacity, Math.Max(_scratch.Capacity, _names.Capacity)) <= KeptBytes)
        {
            _text.Truncate(0);
            _names.Truncate(0);
            _members.Truncate(0);
            _objects.Truncate(0);
            _spare = this;
            return;
        }

        _text.Dispose();
        _scratch.Dispose();
        _names.Dispose();
        _members.Dispose();
        _objects.Dispose();
    }

    private void WriteToken(in Utf8JsonReader reader)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.PropertyName:
                WriteName(in reader);
                return;
            case JsonTokenType.EndObject:
                EndObject();
                return;
            case JsonTokenType.EndArray:
                _text.Add((byte)']');
                return;
        }

        // Only an open bracket or a colon ends with these bytes, so the text itself tells whether this is a further element.
        if (_text.Count > 0 && _text.Last is not ((byte)'[' or (byte)':'))
        {
            _text.Add((byte)',');
        }

        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                _objects.Add(new OpenObject { FirstMember = _members.Count, InOrder = true });
                _text.Add((byte)'{');
                break;
            case JsonTokenType.StartArray:
                _text.Add((byte)'[');
                break;
            case JsonTokenType.String:
                WriteString(in reader);
                break;
            case JsonTokenType.Number:
                WriteNumber(reader.ValueSpan);
                break;
            default:
                // true, false and null have one spelling.
                _text.Append(reader.ValueSpan);
                break;
        }
    }

    private void WriteName(in Utf8JsonReader reader)
    {
        ref var open = ref _objects.Last;
        var isFirst = _members.Count == open.FirstMember;
        if (!isFirst)
        {
            EndMember();
            _text.Add((byte)',');
        }

        var nameStart = _names.Count;
        var nameLength = Unescape(in reader, _names);
        _names.Advance(nameLength);
        var name = _names.Items.Slice(nameStart, nameLength);
        if (!isFirst && _members.Last.Name(_names.Items).SequenceCompareTo(name) >= 0)
        {
            open.InOrder = false;
        }

        _members.Add(new Member { NameStart = nameStart, NameLength = nameLength, Start = _text.Count });
        WriteQuoted(name, reader.ValueIsEscaped);
        _text.Add((byte)':');
    }

    private void WriteString(in Utf8JsonReader reader)
    {
        if (!reader.ValueIsEscaped)
        {
            WriteQuoted(reader.ValueSpan, mayNeedEscapes: false);
            return;
        }

        _scratch.Truncate(0);
        _scratch.Advance(Unescape(in reader, _scratch));
        WriteQuoted(_scratch.Items, mayNeedEscapes: true);
    }

    /// <summary>Copies the string or name into the free room of a list.</summary>
    private static int Unescape(in Utf8JsonReader reader, PooledList<byte> target) =>
        reader.CopyString(target.Reserve(reader.ValueSpan.Length));

    private void WriteQuoted(ReadOnlySpan<byte> text, bool mayNeedEscapes)
    {
        _text.Add((byte)'"');
        if (mayNeedEscapes)
        {
            for (var next = text.IndexOfAny(Escaped); next >= 0; next = text.IndexOfAny(Escaped))
            {
                _text.Append(text[..next]);
                WriteEscape(text[next]);
                text = text[(next + 1)..];
            }
        }

        _text.Append(text);
        _text.Add((byte)'"');
    }

    private void WriteEscape(byte c)
    {
        ReadOnlySpan<byte> escape = c switch
        {
            (byte)'"' => "\\\""u8,
            (byte)'\\' => "\\\\"u8,
            (byte)'\b' => "\\b"u8,
            (byte)'\t' => "\\t"u8,
            (byte)'\n' => "\\n"u8,
            (byte)'\f' => "\\f"u8,
            (byte)'\r' => "\\r"u8,
            _ => [(byte)'\\', (byte)'u', (byte)'0', (byte)'0', (byte)('0' + (c >> 4)), "0123456789abcdef"u8[c & 0xF]],
        };
        _text.Append(escape);
    }

    private void WriteNumber(ReadOnlySpan<byte> number)
    {
        if (!CanonicalNumber.IsExactInteger(number))
        {
            _text.Advance(CanonicalNumber.Format(StrictJson.ParseDouble(number), _text.Reserve(CanonicalNumber.MaxLength)));
            return;
        }

        // As an integer, minus zero is zero; as a float ("-0.0") it keeps its sign.
        _text.Append(number.SequenceEqual("-0"u8) ? "0"u8 : number);
    }

    private void EndMember() => _members.Last.Length = _text.Count - _members.Last.Start;

    private void EndObject()
    {
        var open = _objects.Last;
        _objects.Truncate(_objects.Count - 1);
        if (_members.Count > open.FirstMember)
        {
            EndMember();
            var namesStart = _members.Items[open.FirstMember].NameStart;
            if (!open.InOrder)
            {
                Reorder(_members.Items[open.FirstMember..]);
            }

            _members.Truncate(open.FirstMember);
            _names.Truncate(namesStart);
        }

        _text.Add((byte)'}');
    }

    /// <summary>Moves the members of the object that just ended into the order of their names; of equal names the last stays.</summary>
    private void Reorder(Span<Member> members)
    {
        var start = members[0].Start;
        members.Sort(new ByNameThenPlace(_names.GetArray()));
        _scratch.Truncate(0);
        for (var i = 0; i < members.Length; i++)
        {
            if (i + 1 < members.Length && members[i].Name(_names.Items).SequenceEqual(members[i + 1].Name(_names.Items)))
            {
                continue;
            }

            if (_scratch.Count > 0)
            {
                _scratch.Add((byte)',');
            }

            _scratch.Append(_text.Items.Slice(members[i].Start, members[i].Length));
        }

        _text.Truncate(start);
        _text.Append(_scratch.Items);
    }

    private struct OpenObject
    {
        public int FirstMember;
        public bool InOrder;
    }

    /// <summary>Where the unescaped name of a member lies in the names, and its name and value in the text.</summary>
    private struct Member
    {
        public int NameStart;
        public int NameLength;
        public int Start;
        public int Length;

        public readonly ReadOnlySpan<byte> Name(ReadOnlySpan<byte> names) => names.Slice(NameStart, NameLength);
    }

    private sealed class ByNameThenPlace(byte[] names) : IComparer<Member>
    {
        public int Compare(Member x, Member y)
        {
            var byName = x.Name(names).SequenceCompareTo(y.Name(names));
            return byName != 0 ? byName : x.Start.CompareTo(y.Start);
        }
    }
}
