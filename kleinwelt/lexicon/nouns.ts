/**
 * The nouns of Kleinwelt. One line each: English singular and plural, German article, singular, genitive and plural, and the
 * semantic classes that verbs and prepositions select by. `-` stands for a form that is not used. A noun whose accusative and
 * dative are its genitive is marked `weak` (*der Junge, den Jungen*). Two words of English are joined by `_`.
 * Every noun has a translation of its own, so that translating back is a function.
 */

import { nounTable } from './noun-table.ts';

export const nouns = nounTable(`
man men               der Mann Mannes Männer            person
woman women           die Frau Frau Frauen              person
boy boys              der Junge Jungen Jungen           person young weak
girl girls            das Mädchen Mädchens Mädchen      person young
child children        das Kind Kindes Kinder            person young
baker bakers          der Bäcker Bäckers Bäcker         person worker
teacher teachers      die Lehrerin Lehrerin Lehrerinnen person worker
fisherman fishermen   der Fischer Fischers Fischer      person worker
farmer farmers        der Bauer Bauern Bauern           person worker weak
doctor doctors        die Ärztin Ärztin Ärztinnen       person worker
gardener gardeners    die Gärtnerin Gärtnerin Gärtnerinnen  person worker
cook cooks            der Koch Kochs Köche              person worker
forester foresters    der Förster Försters Förster      person worker
saleswoman saleswomen die Verkäuferin Verkäuferin Verkäuferinnen  person worker
mayor -               die Bürgermeisterin Bürgermeisterin -  person worker
innkeeper innkeepers  der Wirt Wirts Wirte              person worker
musician musicians    die Musikerin Musikerin Musikerinnen  person worker
postman postmen       der Briefträger Briefträgers Briefträger  person worker
policewoman policewomen  die Polizistin Polizistin Polizistinnen  person worker
blacksmith blacksmiths   der Schmied Schmieds Schmiede  person worker
painter painters      die Malerin Malerin Malerinnen    person worker
neighbour neighbours  der Nachbar Nachbarn Nachbarn     person weak
guest guests          der Gast Gastes Gäste             person
pupil pupils          die Schülerin Schülerin Schülerinnen  person young
mother mothers        die Mutter Mutter Mütter          person parent
father fathers        der Vater Vaters Väter            person parent
grandmother grandmothers  die Großmutter Großmutter Großmütter  person parent
grandfather grandfathers  der Großvater Großvaters Großväter  person parent
sister -              die Schwester Schwester -         kin
brother -             der Bruder Bruders -              kin
aunt -                die Tante Tante -                 kin
uncle -               der Onkel Onkels -                kin
cousin -              die Cousine Cousine -             kin

dog dogs              der Hund Hundes Hunde             animal pet hunter runner
cat cats              die Katze Katze Katzen            animal pet hunter runner climber prey
mouse mice            die Maus Maus Mäuse               animal runner climber prey
bird birds            der Vogel Vogels Vögel            animal flier prey
horse horses          das Pferd Pferdes Pferde          animal farm runner
cow cows              die Kuh Kuh Kühe                  animal farm
goat goats            die Ziege Ziege Ziegen            animal farm runner
pig pigs              das Schwein Schweins Schweine     animal farm
hen hens              die Henne Henne Hennen            animal farm prey
rooster roosters      der Hahn Hahns Hähne              animal farm prey
duck ducks            die Ente Ente Enten               animal farm flier swimmer prey
goose geese           die Gans Gans Gänse               animal farm flier swimmer prey
fox foxes             der Fuchs Fuchses Füchse          animal hunter runner
hedgehog hedgehogs    der Igel Igels Igel               animal
rabbit rabbits        das Kaninchen Kaninchens Kaninchen  animal pet runner prey
hare hares            der Hase Hasen Hasen              animal runner prey weak
squirrel squirrels    das Eichhörnchen Eichhörnchens Eichhörnchen  animal runner climber prey
owl owls              die Eule Eule Eulen               animal flier hunter
frog frogs            der Frosch Froschs Frösche        animal swimmer
donkey donkeys        der Esel Esels Esel               animal farm runner
turtle turtles        die Schildkröte Schildkröte Schildkröten  animal pet swimmer
crow crows            die Krähe Krähe Krähen            animal flier
stork storks          der Storch Storchs Störche        animal flier
hamster hamsters      der Hamster Hamsters Hamster      animal pet climber
swan swans            der Schwan Schwans Schwäne        animal flier swimmer
pony ponies           das Pony Ponys Ponys              animal farm pet runner

ball balls            der Ball Balles Bälle             thing toy small
doll dolls            die Puppe Puppe Puppen            thing toy small
kite kites            der Drachen Drachens Drachen      thing toy small
book books            das Buch Buches Bücher            thing reading small
letter letters        der Brief Briefes Briefe          thing reading small
newspaper newspapers  die Zeitung Zeitung Zeitungen     thing reading small
schoolbook schoolbooks  das Schulbuch Schulbuchs Schulbücher  thing reading small
picture pictures      das Bild Bildes Bilder            thing small
key keys              der Schlüssel Schlüssels Schlüssel  thing small
lamp lamps            die Lampe Lampe Lampen            thing small
torch torches         die Taschenlampe Taschenlampe Taschenlampen  thing small
clock clocks          die Uhr Uhr Uhren                 thing machine
cup cups              die Tasse Tasse Tassen            thing small dish
plate plates          der Teller Tellers Teller         thing small dish
bottle bottles        die Flasche Flasche Flaschen      thing small dish
basket baskets        der Korb Korbes Körbe             thing small
bucket buckets        der Eimer Eimers Eimer            thing small
box boxes             die Kiste Kiste Kisten            thing small openable
suitcase suitcases    der Koffer Koffers Koffer         thing small openable
backpack backpacks    der Rucksack Rucksacks Rucksäcke  thing small openable
mailbox mailboxes     der Briefkasten Briefkastens Briefkästen  thing openable
rope ropes            das Seil Seils Seile              thing small
hammer hammers        der Hammer Hammers Hämmer         thing small
saw saws              die Säge Säge Sägen               thing small
umbrella umbrellas    der Regenschirm Regenschirms Regenschirme  thing small
pot pots              der Topf Topfes Töpfe             thing small dish
flowerpot flowerpots  der Blumentopf Blumentopfs Blumentöpfe  thing small
flute flutes          die Flöte Flöte Flöten            thing small
guitar guitars        die Gitarre Gitarre Gitarren      thing small
violin violins        die Geige Geige Geigen            thing small
drum drums            die Trommel Trommel Trommeln      thing small
hat hats              der Hut Hutes Hüte                thing small clothing
coat coats            der Mantel Mantels Mäntel         thing small clothing
scarf scarves         der Schal Schals Schals           thing small clothing
shirt shirts          das Hemd Hemdes Hemden            thing small clothing
dress dresses         das Kleid Kleides Kleider         thing small clothing
jacket jackets        die Jacke Jacke Jacken            thing small clothing
cap caps              die Mütze Mütze Mützen            thing small clothing
bicycle bicycles      das Fahrrad Fahrrads Fahrräder    thing machine
boat boats            das Boot Bootes Boote             thing machine
houseboat houseboats  das Hausboot Hausboots Hausboote  thing machine inside
fishing_boat fishing_boats  das Fischerboot Fischerboots Fischerboote  thing machine
cart carts            der Karren Karrens Karren         thing machine
car cars              das Auto Autos Autos              thing machine
tractor tractors      der Traktor Traktors Traktoren    thing machine
sledge sledges        der Schlitten Schlittens Schlitten  thing machine

chair chairs          der Stuhl Stuhls Stühle           thing furniture seat
table tables          der Tisch Tisches Tische          thing furniture seat under
kitchen_table -       der Küchentisch Küchentischs -    seat under
bed -                 das Bett Bettes -                 seat under
bench -               die Bank Bank -                   seat under
sofa -                das Sofa Sofas -                  seat under
bookshelf -           das Bücherregal Bücherregals -    beside
cupboard -            der Schrank Schranks -            beside openable
house houses          das Haus Hauses Häuser            inside beside building
hut huts              die Hütte Hütte Hütten            inside beside building
barn -                die Scheune Scheune -             inside beside building
stable -              der Stall Stalles -               inside beside building
school -              die Schule Schule -               inside beside goal building
church -              die Kirche Kirche -               inside beside goal building
castle -              das Schloss Schlosses -           inside beside goal building
treehouse -           das Baumhaus Baumhauses -         inside
kitchen -             die Küche Küche -                 inside
bedroom -             das Schlafzimmer Schlafzimmers -  inside
cellar -              der Keller Kellers -              inside
garden -              der Garten Gartens -              inside
forest -              der Wald Waldes -                 inside
park -                der Park Parks -                  inside
village -             das Dorf Dorfes -                 inside
mill -                die Mühle Mühle -                 inside beside goal building
windmill -            die Windmühle Windmühle -         beside goal building
tower -               der Turm Turmes -                 beside goal building
station -             der Bahnhof Bahnhofs -            goal beside
bridge -              die Brücke Brücke -               goal seat under
beach -               der Strand Strandes -             goal
river -               der Fluss Flusses -               goal water
lake -                der See Sees -                    goal water
pond -                der Teich Teiches -               goal water
meadow -              die Wiese Wiese -                 open
street -              die Straße Straße -               open
marketplace -         der Marktplatz Marktplatzes -     open
playground -          der Spielplatz Spielplatzes -     open
field -               das Feld Feldes -                 open
roof -                das Dach Daches -                 height seat
wall -                die Mauer Mauer -                 height seat barrier beside
fence -               der Zaun Zauns -                  barrier beside
garden_fence -        der Gartenzaun Gartenzauns -      barrier beside
hedge -               die Hecke Hecke -                 barrier beside
ditch -               der Graben Grabens -              barrier
tree trees            der Baum Baumes Bäume             upward beside under
apple_tree apple_trees  der Apfelbaum Apfelbaums Apfelbäume  upward beside under
hill -                der Hügel Hügels -                upward
ladder -              die Leiter Leiter -               upward
rock -                der Felsen Felsens -              upward beside
bush -                der Busch Busches -               beside under
kennel -              die Hundehütte Hundehütte -       beside
birdhouse -           das Vogelhaus Vogelhauses -       beside
door -                die Tür Tür -                     openable beside
front_door -          die Haustür Haustür -             openable beside
window -              das Fenster Fensters -            openable beside
gate -                das Tor Tores -                   openable beside

flower flowers        die Blume Blume Blumen            small flower
rose roses            die Rose Rose Rosen               small flower
sunflower sunflowers  die Sonnenblume Sonnenblume Sonnenblumen  small flower
tulip tulips          die Tulpe Tulpe Tulpen            small flower

apple apples          der Apfel Apfels Äpfel            food fruit
pear pears            die Birne Birne Birnen            food fruit
plum plums            die Pflaume Pflaume Pflaumen      food fruit
carrot carrots        die Karotte Karotte Karotten      food fruit
tomato tomatoes       die Tomate Tomate Tomaten         food fruit
nut nuts              die Nuss Nuss Nüsse               food fruit
egg eggs              das Ei Eies Eier                  food
biscuit biscuits      der Keks Kekses Kekse             food baked sweets
cake cakes            der Kuchen Kuchens Kuchen         food dishfood baked sweets
apple_cake apple_cakes  der Apfelkuchen Apfelkuchens Apfelkuchen  food dishfood baked sweets
pancake pancakes      der Pfannkuchen Pfannkuchens Pfannkuchen  food dishfood baked sweets served
sausage sausages      die Wurst Wurst Würste            food dishfood savoury served
soup -                die Suppe Suppe -                 dishfood savoury served
bread -               das Brot Brotes -                 dishfood baked
cheese -              der Käse Käses -                  dishfood savoury
honey -               der Honig Honigs -                dishfood sweets
milk -                die Milch Milch -                 drink plain
water -               das Wasser Wassers -              drink plain
juice -               der Saft Saftes -                 drink
tea -                 der Tee Tees -                    drink
coffee -              der Kaffee Kaffees -              drink
bone bones            der Knochen Knochens Knochen      bone
grass -               das Gras Grases -                 grass
hay -                 das Heu Heus -                    grass

song songs            das Lied Liedes Lieder            work
story stories         die Geschichte Geschichte Geschichten  work
film films            der Film Films Filme              work
party parties         das Fest Festes Feste             work
trip trips            der Ausflug Ausflugs Ausflüge     work
game games            das Spiel Spiels Spiele           work
`);
